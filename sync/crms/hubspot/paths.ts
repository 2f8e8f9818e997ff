/** HubSpot's version, by date: March and September of each year, each good for 18 months. The one place that names it. */
export const VERSION = '2026-09'

export const paths = {
  account: `/account-info/${VERSION}/details`,
  token: `/oauth/${VERSION}/token`,
  owners: `/crm/owners/${VERSION}`,
  pipelines: (object: string) => `/crm/pipelines/${VERSION}/${object}`,
  properties: (object: string) => `/crm/properties/${VERSION}/${object}`,
  groups: (object: string) => `/crm/properties/${VERSION}/${object}/groups`,
  objects: (object: string) => `/crm/objects/${VERSION}/${object}`,
  object: (object: string, id: string) => `/crm/objects/${VERSION}/${object}/${encodeURIComponent(id)}`,
  search: (object: string) => `/crm/objects/${VERSION}/${object}/search`,
  batch: (object: string, act: 'create' | 'read' | 'update' | 'upsert' | 'archive') =>
    `/crm/objects/${VERSION}/${object}/batch/${act}`,
  erase: (object: string) => `/crm/objects/${VERSION}/${object}/gdpr-delete`,
  associations: (from: string, to: string, act: 'create' | 'read') =>
    `/crm/associations/${VERSION}/${from}/${to}/batch/${act}`,
}
