import { AgentKavach, Budget, ConfigError } from '@agentkavach/core';
import { describe, expect, it } from 'vitest';
import { kavach } from './index.ts';

describe('kavach()', () => {
  it('takes a guard, options, or nothing', () => {
    const guard = new AgentKavach({ budget: Budget.total(1) });
    expect(kavach(guard).guard).toBe(guard);
    expect(kavach({ agentName: 'x', budget: Budget.total(1), strict: true }).guard.agentName).toBe('x');
    expect(kavach().guard.agentName).toBe('default');
  });

  it.each([
    ['an unknown option', () => kavach({ bugdet: 1 } as never), /bugdet/],
    ['no object', () => kavach('x' as never), /object/],
    ['a list', () => kavach([] as never), /object/],
    ['a wrong strict', () => kavach({ strict: 1 } as never), /strict must be true or false, got 1/],
    ['a wrong onKillStream', () => kavach({ onKillStream: 'x' } as never), /onKillStream/],
    ['an option beside a guard', () => kavach(new AgentKavach(), { budget: 1 } as never), /budget/],
    [
      'something else to register with',
      () => void Reflect.apply(kavach().register, undefined, [{}]),
      /takes an instance of the @mastra\/core/,
    ],
    ['a model that is none', () => kavach().model({}), /guardModel/],
  ])('refuses %s', (_name, call, message) => {
    expect(call).toThrow(ConfigError);
    expect(call).toThrow(message);
  });
});
