/** The demo is what a stranger sees first: it must stop the agent, and its figures must agree with the provider's. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const run = promisify(execFile);
const root = fileURLToPath(new URL('..', import.meta.url));

it('stops the agent within its budget, on the bill that the provider kept', async () => {
  const { stdout } = await run(process.execPath, ['--import', 'tsx', 'demo/main.ts'], { cwd: root, timeout: 150_000 });
  expect(stdout).toContain("onKill('cost')");
  expect(stdout).toContain('KAVACH_BUDGET_EXCEEDED');
  const [spent, billed] = [/spent\s+\$([\d.]+)/, /bill\s+\$([\d.]+)/].map((figure) => Number(figure.exec(stdout)?.[1]));
  expect(spent).toBeGreaterThan(0.03);
  expect(spent).toBeLessThanOrEqual(0.05);
  expect(billed).toBe(spent);
  expect(stdout).toMatch(/writer-2: [12] calls? in flight aborted/);
  expect(stdout).toContain('writer-2 ended: KAVACH_KILLED');
  expect(stdout).toContain('all three together stayed within the limit');
}, 180_000);

it('says which keys --live looks for', async () => {
  const { PATH } = process.env;
  const failed = run(process.execPath, ['--import', 'tsx', 'demo/main.ts', '--live'], { cwd: root, env: { PATH } });
  await expect(failed).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining('OPENAI_API_KEY') });
});
