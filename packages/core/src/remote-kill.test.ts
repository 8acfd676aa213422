import { describe, expect, it, vi } from 'vitest';
import { Budget } from './budget/budget.ts';
import { checkOptions } from './config/options.ts';
import type { KillHolder } from './control/kill-switch.ts';
import { Engine } from './engine.ts';
import { BudgetExceededError, KilledError } from './errors.ts';
import { IngestRejectedError } from './rejection.ts';

/** An engine and what its listeners heard: `kill manual`, `onKill manual`, `resume`. */
function stoppable() {
  const heard: string[] = [];
  const onKill = (reason: string): unknown => heard.push(`onKill ${reason}`);
  const engine = new Engine(checkOptions({ agentName: 'bot', budget: Budget.daily(1), onKill }));
  engine.events.on('kill', ({ reason }) => heard.push(`kill ${reason}`));
  engine.events.on('resume', () => heard.push('resume'));
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  return { engine, heard, warn };
}

describe('a stop that the backend holds', () => {
  it('is not lifted by the code that it stopped', () => {
    const { engine, heard, warn } = stoppable();
    engine.kill('manual', 'ops@example.com', 'operator');
    engine.resume();
    expect(engine.refusal).toBeInstanceOf(KilledError);
    expect(engine.refusal?.message).toContain('npx agentkavach resume bot');
    expect(warn).toHaveBeenCalledOnce();
    expect(engine.killSwitch.signal.aborted).toBe(true);
    engine.lift('operator');
    expect(engine.refusal).toBeUndefined();
    expect(engine.killSwitch.signal.aborted).toBe(false);
    expect(heard).toEqual(['kill manual', 'onKill manual', 'resume']);
  });

  it('leaves alone what the code, a budget and a guardrail have stopped when it is lifted', () => {
    const { engine, heard } = stoppable();
    const [account] = engine.budgets.accountsAt(Date.now(), undefined);
    engine.exhaust(account!, 1);
    engine.kill('manual', undefined);
    engine.kill('manual', 'ops', 'operator');
    engine.lift('operator');
    expect(engine.refusal?.message).toContain('guard.resume()');
    expect(engine.killSwitch.signal.aborted).toBe(true);
    expect(engine.closedAmong([account!])).toBe(account);
    expect(heard).not.toContain('resume');
    engine.resume();
    expect(engine.refusal).toBeUndefined();
    expect(engine.closedAmong([account!])).toBeUndefined();
    expect(engine.killSwitch.signal.aborted).toBe(false);
  });

  it('gives runs their signal back also where a guardrail still stops what runs outside of them', () => {
    const { engine } = stoppable();
    engine.kill('manual', 'ops', 'operator');
    engine.breach({ run: engine.defaultRun, error: new Error('too long') as never, reason: 'duration' });
    engine.lift('operator');
    expect(engine.killSwitch.killSignal.aborted).toBe(false);
    expect(engine.killSwitch.signal.aborted).toBe(true);
    engine.resume();
    expect(engine.killSwitch.signal.aborted).toBe(false);
  });

  it('stays when the code takes its own away, and then is the only one', () => {
    const { engine, heard } = stoppable();
    engine.kill('manual', 'ops', 'operator');
    engine.kill('manual', undefined);
    engine.resume();
    expect(engine.refusal).toMatchObject({ by: 'ops' });
    engine.lift('operator');
    expect(engine.refusal).toBeUndefined();
    expect(heard.filter((each) => each === 'resume')).toHaveLength(1);
  });

  it('is told once, beside the one of the code', () => {
    const { engine, heard } = stoppable();
    for (const holder of ['code', 'operator', 'code', 'operator'] as const) engine.kill('manual', undefined, holder);
    expect(heard).toEqual(['kill manual', 'onKill manual', 'kill manual', 'onKill manual']);
  });

  it('is not told again, nor is a resume told, where it lifts nothing', () => {
    const { engine, heard } = stoppable();
    engine.kill('manual', undefined);
    engine.lift('operator');
    engine.lift('backend');
    expect(heard).toEqual(['kill manual', 'onKill manual']);
    expect(engine.refusal).toBeInstanceOf(KilledError);
  });

  it.each<[KillHolder, 'operator' | 'backend']>([
    ['backend', 'operator'],
    ['operator', 'backend'],
  ])('by the %s outlasts a resume by the %s', (stays, lifted) => {
    const { engine } = stoppable();
    engine.kill('key_revoked', 'backend', 'backend');
    engine.kill('manual', 'ops', 'operator');
    engine.lift(lifted);
    expect(engine.killSwitch.kill?.holder).toBe(stays);
  });

  it('that lets calls finish gives way to one of the same holder that does not', () => {
    const { engine, heard } = stoppable();
    engine.kill('cost', 'ops', 'operator');
    expect(engine.killSwitch.signal.aborted).toBe(false);
    engine.kill('manual', 'ops', 'operator');
    expect(engine.killSwitch.signal.aborted).toBe(true);
    expect(heard).toEqual(['kill cost', 'onKill cost', 'kill manual', 'onKill manual']);
  });

  it.each(['tier_agent_limit', 'daily_limit', 'org_budget_exceeded', 'key_revoked'] as const)(
    'for %s is a rejection',
    (reason) => {
      const { engine } = stoppable();
      engine.kill(reason, 'backend', 'backend');
      expect(engine.refusal).toBeInstanceOf(IngestRejectedError);
      expect(engine.refusal).toBeInstanceOf(BudgetExceededError);
      expect(engine.refusal).toMatchObject({ reason, code: 'KAVACH_INGEST_REJECTED' });
      expect(JSON.parse(JSON.stringify(engine.refusal))).toMatchObject({ reason });
    },
  );
});
