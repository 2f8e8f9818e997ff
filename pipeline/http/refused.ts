/** Nothing was asked: a result for the caller to report, not a failure of the service. */
export class NotAsked extends Error {
  override readonly name: string = 'NotAsked'

  constructor(
    message: string,
    readonly service: string,
  ) {
    super(message)
  }
}

/** A paid call that was not made. */
export class NotBought extends NotAsked {
  override readonly name = 'NotBought'

  constructor(
    message: string,
    service: string,
    readonly reason: 'not_live' | 'no_price' | 'budget',
    readonly credits: number,
  ) {
    super(message, service)
  }
}
