/** Writes docs/conformance.md: what the contract is, and which way in meets which part of it. */
import { format, resolveConfig } from 'prettier';
import { offers } from './contract.ts';
import type { Expectation, Scenario } from './scenario.ts';
import type { Subject } from './subject.ts';

const INTRO = `# Conformance

The same budget means the same thing in every framework. Each scenario below is played through each way in, on a provider on
localhost that speaks the real wire format and notes what it bills. In every cell marked ✓ the provider received as many requests
as the table says, \`guard.status()\` shows what the provider billed to the nano-dollar (or an estimate that is not below it),
nothing is left reserved, and \`findKavachError\` finds the error in what the framework throws. ≠ is played too, and the note under
the table says what holds instead. – can't be had there. An empty cell needs a stream, a cache of answers,
or a stop condition (\`kavachStopWhen\`, \`exitBehavior: 'end'\`, Mastra’s tripwire), and there is none.

This page is written from the scenarios and subjects in \`conformance/\`; the test run plays them all and compares the page.
`;

const CHARGES: Readonly<Record<Expectation['charge'], string>> = {
  exact: 'the bill',
  seen: 'input, and output seen',
  whole: 'the reservation',
};

/** Where the page is. */
export const PAGE = new URL('../docs/conformance.md', import.meta.url);

/** The page's text, the way the format check wants it. */
export async function printPage(scenarios: readonly Scenario[], subjects: readonly Subject[]): Promise<string> {
  const frameworks = [...new Set(subjects.map(({ framework }) => framework))];
  const sections = frameworks.map((framework) =>
    printFramework(
      framework,
      scenarios,
      subjects.filter((subject) => subject.framework === framework),
    ),
  );
  const text = [INTRO, '## The scenarios\n', printScenarios(scenarios), ...sections].join('\n');
  return format(text, { ...(await resolveConfig(PAGE)), parser: 'markdown' });
}

function printScenarios(scenarios: readonly Scenario[]): string {
  const rows = scenarios.map(({ title, promise, expected, streamed }) => {
    const charges = [CHARGES[expected.charge], ...(streamed?.charge ? [`stream: ${CHARGES[streamed.charge]}`] : [])];
    return [title, promise, String(expected.requests), charges.join('; '), code(expected.refusal)];
  });
  return table(['scenario', 'what must hold', 'requests', 'charged', 'error'], rows);
}

function printFramework(framework: string, scenarios: readonly Scenario[], subjects: readonly Subject[]): string {
  const notes: string[] = [];
  const noted = (sign: string, why: string): string => {
    if (!notes.includes(why)) notes.push(why);
    return `${sign} ${notes.indexOf(why) + 1}`;
  };
  const cell = (scenario: Scenario, subject: Subject): string => {
    const departure = subject.departures?.[scenario.id];
    if (departure !== undefined) return noted(departure.kind === 'absent' ? '–' : '≠', departure.why);
    return offers(subject, scenario.needs) ? '✓' : '';
  };
  const rows = scenarios.map((scenario) => [scenario.title, ...subjects.map((subject) => cell(scenario, subject))]);
  const copies = subjects.flatMap(({ name, copiesErrors: why }) => (why === undefined ? [] : [`${name}: ${why}`]));
  const list = notes.map((why, index) => `${index + 1}. ${why}`);
  return [
    `\n## ${framework}\n`,
    table(['', ...subjects.map(({ name }) => name)], rows),
    ...(list.length > 0 ? ['', ...list] : []),
    ...(copies.length > 0 ? ['', ...copies.map((line) => `- ${line}`)] : []),
  ].join('\n');
}

function code(refusal: string | undefined): string {
  return refusal === undefined ? '' : `\`${refusal}\``;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
