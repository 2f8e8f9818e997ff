// What provider files may use beside the contract: `define.ts` hands it on.

export { bytes, folderVersion, landBulk, pushdownOf, readLayout, register, share, withoutCpf } from './bulk.ts'
export { cnpjCheckDigits, isCnpj, normalizeCnpj } from './cnpj.ts'
export type { Field, Fill, Fills, Price, Subject } from './fields.ts'
export { bandsOf, filtersOf, personasOf, termsOf } from './icp-terms.ts'
export { hostOf, plainWords, rowsMeant, unmasked } from './likeness.ts'
export { readMx, readSpf } from './mail-hosts.ts'
export { isFeed, looksLikeFeed, names, newsName, readFeed } from './news.ts'
export { cnpjsOf, ownCnpj, type TechnologyRule, technologiesOf } from './page-facts.ts'
export { visit } from './page-visit.ts'
export { daysBefore, gathered, pagesAfter, pagesWithin, type Range, together } from './paging.ts'
export { type Dice, diceOf, type Sample, sampleOf } from './sample.ts'
export { blank, lifted, ofEach, rowsIn, tablesOf, type VendorRow } from './vendor-rows.ts'
