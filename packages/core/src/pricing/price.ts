/**
 * What a call costs: find a model's price, bound a call before it is sent, and charge it by the usage that came back.
 * The one door to this folder.
 */
export { ceilingPrice } from './ceiling.ts';
export { costOf } from './cost.ts';
export { customPrice, type CustomPrice } from './custom.ts';
export { FEE } from './fees.ts';
export { findPrice, isPricedAnywhere } from './lookup.ts';
export { OPENAI_REGIONAL } from './model-id.ts';
export type { Price } from './price-record.ts';
export { affordableOutput, worstCost } from './worst.ts';
