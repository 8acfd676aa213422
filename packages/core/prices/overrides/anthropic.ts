/** Corrections of Anthropic's prices, and models that the first source lacks. */
import type { Override } from './override.ts';

const ANTHROPIC = 'https://platform.claude.com/docs/en/about-claude/pricing';
const ANTHROPIC_MODELS = 'https://platform.claude.com/docs/en/about-claude/models/overview';
const FAST_MODE = 'https://platform.claude.com/docs/en/build-with-claude/fast-mode';
const checked = '2026-11-23';

export const ANTHROPIC_OVERRIDES: readonly Override[] = [
  {
    provider: 'anthropic',
    ids: ['claude-mythos-5'],
    set: {
      rates: { input: 10, cacheRead: 1, cacheWrite: 12.5, cacheWrite1h: 20, output: 50 },
      maxInput: 1_000_000,
      maxOutput: 128_000,
      dated: true,
    },
    source: ANTHROPIC,
    checked,
  },
  {
    provider: 'anthropic',
    ids: ['claude-mythos-5-1'],
    set: {
      rates: { input: 10, cacheRead: 0.25, cacheWrite: 12.5, cacheWrite1h: 20, output: 50 },
      maxInput: 1_000_000,
      maxOutput: 128_000,
      dated: true,
    },
    source: ANTHROPIC,
    checked,
  },
  {
    provider: 'anthropic',
    ids: ['claude-sonnet-5-5'],
    set: {
      prices: [
        { rates: { input: 2, cacheRead: 0.2, cacheWrite: 2.5, cacheWrite1h: 4, output: 10 } },
        { from: '2026-10-07', rates: { input: 2, cacheRead: 0.1, cacheWrite: 2.5, cacheWrite1h: 4, output: 10 } },
      ],
      maxInput: 1_000_000,
      maxOutput: 128_000,
      dated: true,
    },
    source: 'https://platform.claude.com/docs/en/models/sonnet-5-5/overview',
    checked,
  },
  {
    provider: 'anthropic',
    ids: ['claude-haiku-5-5'],
    set: {
      rates: { input: 0.1, cacheRead: 0.01, cacheWrite: 0.125, cacheWrite1h: 0.2, output: 0.5 },
      above: 100_000,
      long: { input: 0.5, cacheRead: 0.05, cacheWrite: 0.625, cacheWrite1h: 1, output: 2.5 },
      maxInput: 1_000_000,
      maxOutput: 128_000,
      dated: true,
    },
    source: 'https://platform.claude.com/docs/en/models/haiku-5-5/overview',
    checked,
  },
  // Fast mode under a name of its own, as routers list it
  {
    provider: 'anthropic',
    ids: ['claude-opus-4-6-fast', 'claude-opus-4-7-fast'],
    set: {
      rates: { input: 30, cacheRead: 3, cacheWrite: 37.5, cacheWrite1h: 60, output: 150 },
      maxInput: 1_000_000,
      maxOutput: 128_000,
    },
    source: FAST_MODE,
    checked,
  },
  {
    provider: 'anthropic',
    ids: ['claude-opus-4-8-fast', 'claude-opus-5-fast'],
    set: {
      rates: { input: 10, cacheRead: 1, cacheWrite: 12.5, cacheWrite1h: 20, output: 50 },
      maxInput: 1_000_000,
      maxOutput: 128_000,
    },
    source: FAST_MODE,
    checked,
  },
  {
    provider: 'anthropic',
    ids: ['claude-opus-5-5-fast'],
    set: {
      rates: { input: 8, cacheRead: 0.4, cacheWrite: 10, cacheWrite1h: 16, output: 40 },
      maxInput: 1_000_000,
      maxOutput: 128_000,
    },
    source: FAST_MODE,
    checked,
  },
  {
    provider: 'anthropic',
    ids: ['claude-opus-5-5', 'claude-fable-5-1'],
    set: { maxOutput: 128_000 },
    source: ANTHROPIC_MODELS,
    checked,
  },
  {
    provider: 'anthropic',
    match: /^claude-opus-4-[67](-\d{8})?$/,
    set: { fastFactor: 6 },
    source: FAST_MODE,
    checked,
  },
  {
    provider: 'anthropic',
    match: /^claude-opus-(4-8|5|5-5)$/,
    set: { fastFactor: 2 },
    source: FAST_MODE,
    checked,
  },
  // Regional endpoints cost 10 % more from the 4.5 generation on.
  {
    provider: 'anthropic',
    match: /^claude-(?:(?:haiku|sonnet|opus)-(?:4-[5-9]|[5-9])|fable-|mythos-)/,
    set: { regional: 1.1 },
    source: ANTHROPIC,
    checked,
  },
  // A beta header lifts the window of these two to a million tokens, at long-context rates.
  {
    provider: 'anthropic',
    match: /^claude-sonnet-4(-0|-20250514)?$/,
    set: {
      maxInput: 1_000_000,
      above: 200_000,
      long: { input: 6, cacheRead: 0.6, cacheWrite: 7.5, cacheWrite1h: 12, output: 22.5 },
    },
    source: ANTHROPIC,
    checked,
  },
  {
    provider: 'anthropic',
    match: /^claude-sonnet-4-5/,
    set: { maxInput: 1_000_000 },
    source: ANTHROPIC,
    checked,
  },

  {
    provider: 'anthropic',
    match: /^claude-3-5-/,
    set: { maxOutput: 8_192 },
    source: ANTHROPIC_MODELS,
    checked,
  },
  // A beta header lifts the longest answer.
  {
    provider: 'anthropic',
    match: /^claude-(3-7-sonnet|sonnet-3-7)/,
    set: { maxOutput: 128_000 },
    source: ANTHROPIC_MODELS,
    checked,
  },
];
