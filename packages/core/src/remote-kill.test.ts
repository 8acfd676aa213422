import { describe, expect, it, vi } from 'vitest';
import { Budget } from './budget/budget.ts';
import { checkOptions } from './config/options.ts';
import { Engine } from './engine.ts';
import { BudgetExceededError, KilledError } from './errors.ts';
import { IngestRejectedError } from './rejection.ts';

const engine = (): Engine => new Engine(checkOptions({ agentName: 'bot', budget: Budget.daily(1) }));

describe('a stop that the backend holds', () => {
  it('is not lifted by the code that it stopped', () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    const guard = engine();
    guard.kill('manual', 'ops@example.com', true);
    guard.resume();
    expect(guard.refusal).toBeInstanceOf(KilledError);
    expect(guard.refusal?.message).toContain('npx agentkavach resume bot');
    expect(warn).toHaveBeenCalledOnce();
    guard.resume(true);
    expect(guard.refusal).toBeUndefined();
  });

  it('takes the place of one in the process, which would be lifted too easily', () => {
    const guard = engine();
    guard.kill('manual', undefined);
    guard.kill('manual', 'ops', true);
    guard.resume();
    expect(guard.refusal).toBeInstanceOf(KilledError);
  });

  it.each(['tier_agent_limit', 'daily_limit', 'org_budget_exceeded', 'key_revoked'] as const)(
    'for %s is a rejection',
    (reason) => {
      const guard = engine();
      guard.kill(reason, 'backend', true);
      expect(guard.refusal).toBeInstanceOf(IngestRejectedError);
      expect(guard.refusal).toBeInstanceOf(BudgetExceededError);
      expect(guard.refusal).toMatchObject({ reason, code: 'KAVACH_INGEST_REJECTED' });
      expect(JSON.parse(JSON.stringify(guard.refusal))).toMatchObject({ reason });
    },
  );
});
