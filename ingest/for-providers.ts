// What provider files may use beside the contract: `define.ts` hands it on.

export { bytes, folderVersion, landBulk, pushdownOf, readLayout, register, share, withoutCpf } from './bulk.ts'
export { cnpjCheckDigits, isCnpj, normalizeCnpj } from './cnpj.ts'
export type { Field, Fill, Fills, Price, Subject } from './fields.ts'
export { isFeed, looksLikeFeed, names, newsName, readFeed } from './news.ts'
export { type Dice, diceOf, type Sample, sampleOf } from './sample.ts'
