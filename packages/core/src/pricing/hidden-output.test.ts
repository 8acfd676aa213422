import { describe, expect, it } from 'vitest';
import { mayReasonUnseen } from './hidden-output.ts';

describe('mayReasonUnseen', () => {
  it.each([
    'o1',
    'o3-mini',
    'o4-mini-2025-04-16',
    'gpt-5',
    'gpt-5-mini',
    'gpt-5.4-pro',
    'openai/gpt-5',
    'gemini-2.5-flash',
    'models/gemini-3-pro',
    'x-ai/grok-4',
    'codex-mini-latest',
  ])('%s streams less than it bills', (model) => expect(mayReasonUnseen('openai', model)).toBe(true));

  it.each([
    'gpt-4o',
    'gpt-4.1-mini',
    'chatgpt-4o-latest',
    'claude-sonnet-4-5',
    'gemini-2.0-flash',
    'mistral-large-latest',
    'magistral-medium-2507',
    'foo1',
  ])('%s streams what it bills', (model) => expect(mayReasonUnseen('openai', model)).toBe(false));

  it('any deployment at Azure may, whatever its name', () => {
    expect(mayReasonUnseen('azure', 'team-o3')).toBe(true);
    expect(mayReasonUnseen('azure-openai', 'prod')).toBe(true);
  });
});
