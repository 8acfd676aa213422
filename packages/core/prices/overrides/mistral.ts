/** Corrections of Mistral's prices, and models that the first source lacks. */
import type { Override } from './override.ts';

const MISTRAL = 'https://mistral.ai/pricing/api';
const checked = '2026-11-23';

export const MISTRAL_OVERRIDES: readonly Override[] = [
  {
    provider: 'mistral',
    ids: ['mistral-large-latest'],
    set: { rates: { input: 0.5, cacheRead: 0.05, output: 1.5 } },
    source: MISTRAL,
    checked,
  },
  {
    provider: 'mistral',
    ids: ['mistral-small-latest'],
    set: { rates: { input: 0.15, cacheRead: 0.015, output: 0.6 }, maxInput: 262_144, maxOutput: 262_144 },
    source: MISTRAL,
    checked,
  },
  {
    provider: 'mistral',
    ids: ['codestral-latest'],
    set: { rates: { cacheRead: 0.03 }, maxOutput: 256_000 },
    source: MISTRAL,
    checked,
  },
  {
    provider: 'mistral',
    ids: ['mistral-medium-2604'],
    set: { rates: { input: 1.5, cacheRead: 0.15, output: 7.5 } },
    source: MISTRAL,
    checked,
  },
  {
    provider: 'mistral',
    ids: ['mistral-small-2506', 'mistral-small-3-2-2506'],
    set: { rates: { input: 0.1, output: 0.3 }, maxInput: 131_072, maxOutput: 131_072 },
    source: MISTRAL,
    checked,
  },
  {
    provider: 'mistral',
    ids: ['devstral-latest', 'devstral-medium-latest', 'devstral-medium-2507'],
    set: { rates: { input: 0.4, output: 2 } },
    source: MISTRAL,
    checked,
  },
  {
    provider: 'mistral',
    ids: ['ministral-3b-latest'],
    set: { rates: { input: 0.1, cacheRead: 0.01, output: 0.1 }, maxInput: 131_072, maxOutput: 131_072 },
    source: MISTRAL,
    checked,
  },
  {
    provider: 'mistral',
    ids: ['ministral-14b-latest'],
    set: { rates: { input: 0.2, cacheRead: 0.02, output: 0.2 }, maxInput: 262_144, maxOutput: 262_144 },
    source: MISTRAL,
    checked,
  },
  {
    provider: 'mistral',
    ids: ['open-mistral-nemo-2407', 'mistral-nemo', 'pixtral-12b-2409'],
    set: { rates: { input: 0.15, output: 0.15 } },
    source: MISTRAL,
    checked,
  },
  {
    provider: 'mistral',
    ids: ['open-mixtral-8x22b'],
    set: { rates: { input: 2, output: 6 } },
    source: MISTRAL,
    checked,
  },
  {
    provider: 'mistral',
    ids: ['codestral-embed', 'codestral-embed-2505'],
    set: { kind: 'embedding', rates: { input: 0.15, output: 0 } },
    source: MISTRAL,
    checked,
  },
  // An answer is limited by the window only.
  {
    provider: 'mistral',
    match: /^magistral/,
    set: { maxInput: 131_072, maxOutput: 131_072 },
    source: 'https://docs.mistral.ai/getting-started/models',
    checked,
  },
  {
    provider: 'mistral',
    match: /^(mistral-(large|medium|small)|ministral|codestral|devstral|pixtral)/,
    set: { maxOutput: 262_144 },
    source: MISTRAL,
    checked,
  },
];
