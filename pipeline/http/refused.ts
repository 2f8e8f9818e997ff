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

/**
 * A paid call that was not made: not live for spend; no price set; over the budget; paused; or an equal call broke off
 * before, may have been charged, and would be bought twice (`in_doubt`). The last one concerns this request alone.
 */
export class NotBought extends NotAsked {
  override readonly name = 'NotBought'

  constructor(
    message: string,
    service: string,
    readonly reason: 'not_live' | 'no_price' | 'budget' | 'paused' | 'in_doubt',
    readonly credits: number,
  ) {
    super(message, service)
  }
}
