/** The prices that one guard uses: the user's own first, then the catalog, then what `onUnknownModel` says. */
import { ConfigError, UnknownModelError } from './errors.ts';
import type { ModelSwitch, UnknownModelRule } from './config/policy.ts';
import {
  ceilingPrice,
  customPrice,
  findPrice,
  isPricedAnywhere,
  OPENAI_REGIONAL,
  type CustomPrice,
  type Price,
} from './pricing/price.ts';

/** Model ids come from outside; no more than this many are remembered. */
const MAX_REMEMBERED = 10_000;

/** Finds the price of a model at the moment of a call. */
export class PriceBook {
  readonly #own = new Map<string, Price>();
  readonly #fallback = new Map<string, Price>();
  readonly #rule: UnknownModelRule;

  /**
   * @param prices the user's prices by model id, also as `provider/model`
   * @throws ConfigError naming the field that is wrong
   */
  constructor(prices: ReadonlyMap<string, CustomPrice>, rule: UnknownModelRule) {
    for (const [model, spec] of prices)
      this.#own.set(model, customPrice(spec, `prices[${JSON.stringify(model)}]`, '', model));
    if (typeof rule === 'object') customPrice(rule, 'onUnknownModel');
    this.#rule = rule;
  }

  /** @throws UnknownModelError when the price is not known and the rule is `deny` */
  priceOf(provider: string, model: string, at: number): Price {
    const known = this.#ownPrice(provider, model) ?? findPrice(provider, model, at);
    if (known !== undefined) return known;
    const key = `${provider}/${model}`;
    const price = this.#fallback.get(key) ?? this.#unknown(provider, model);
    if (this.#fallback.size < MAX_REMEMBERED) this.#fallback.set(key, price);
    return price;
  }

  /**
   * The price of the model that answered; the asked model's price where the user set one, where the other is unknown,
   * and where both are one model: an answer may name it without the region that it was asked in.
   *
   * @param provider whose names the answer uses: the asked price's own provider
   */
  answering(asked: Price, provider: string, model: string, at: number): Price {
    const own = this.#ownPrice(provider, model);
    if (own !== undefined) return own;
    if (this.#isOwn(asked)) return asked;
    const found = (asked.regional ? findRegional(asked, model, at) : undefined) ?? findPrice(provider, model, at);
    return found === undefined || found.row === asked.row ? asked : found;
  }

  /**
   * Refuses a switch to a model that every call would be refused for. Which provider is asked shows with the call alone,
   * so a model is fine that any of them has.
   *
   * @throws ConfigError naming the switch and what to do
   */
  assertKnown(switches: readonly ModelSwitch[], at: number): void {
    if (this.#rule !== 'deny') return;
    for (const { threshold, model } of switches) {
      const isOwn = [...this.#own.keys()].some((key) => key === model || key.endsWith(`/${model}`));
      if (isOwn || isPricedAnywhere(model, at)) continue;
      const path = `onThreshold[${threshold}].model`;
      throw new ConfigError(
        `${path} is ${JSON.stringify(model)}, whose price is not known with any provider: once that share of a budget is spent, every call that it switches would be refused. ` +
          `Correct the name where it is wrong. ${remedy(model)}`,
        { path },
      );
    }
  }

  #ownPrice(provider: string, model: string): Price | undefined {
    if (this.#own.size === 0) return undefined;
    const own = this.#own.get(model) ?? this.#own.get(`${provider}/${model}`);
    return own ?? (provider === OPENAI_REGIONAL ? this.#own.get(`openai/${model}`) : undefined);
  }

  #isOwn(price: Price): boolean {
    for (const own of this.#own.values()) if (own === price) return true;
    return false;
  }

  #unknown(provider: string, model: string): Price {
    if (this.#rule === 'ceiling') return ceilingPrice(provider, model);
    if (typeof this.#rule === 'object') return customPrice(this.#rule, 'onUnknownModel', provider, model);
    throw new UnknownModelError(
      `The price of model ${JSON.stringify(model)} of provider ${JSON.stringify(provider)} is not known, so it was refused: nothing was sent. ` +
        remedy(model),
      provider,
      model,
    );
  }
}

/** What to do about a model without a price. */
function remedy(model: string): string {
  return `Set prices: { ${JSON.stringify(model)}: { inputPerMillion: …, outputPerMillion: … } }, or onUnknownModel: 'ceiling' to price unknown models at the highest known rates.`;
}

/** A model behind a regional endpoint: OpenAI's own, or Bedrock's, of which Claude has a price of its own. */
function findRegional({ provider }: Price, model: string, at: number): Price | undefined {
  if (provider === 'openai') return findPrice(OPENAI_REGIONAL, model, at);
  return findPrice('amazon-bedrock', model.includes('anthropic.') ? model : `anthropic.${model}`, at);
}
