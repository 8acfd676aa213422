/**
 * One version for all packages: each carries the root's, and asks for exactly that one of its siblings. With a tag as
 * argument (`v1.2.3`), the tag must name that version and CHANGELOG.md must have a section for it.
 */
import { globSync, readFileSync } from 'node:fs';

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

const read = (path: string): Manifest => JSON.parse(readFileSync(path, 'utf8')) as Manifest;
const { version } = read('package.json');
const manifests = globSync('packages/*/package.json').map((path) => ({ path, manifest: read(path) }));
const siblings = new Set(manifests.map(({ manifest }) => manifest.name));

const wrong = manifests.flatMap(({ path, manifest }) => {
  const asked = Object.entries({ ...manifest.devDependencies, ...manifest.peerDependencies, ...manifest.dependencies });
  return [
    ...(manifest.version === version ? [] : [`${path}: version is ${manifest.version}, the root has ${version}.`]),
    ...asked
      .filter(([name, range]) => siblings.has(name) && range !== version)
      .map(([name, range]) => `${path}: asks for ${name} ${range}; write "${version}".`),
  ];
});
if (manifests.length === 0) wrong.push('No packages were found: run this from the root of the repository.');

const tag = process.argv[2];
if (tag !== undefined) {
  if (tag !== `v${version}`)
    wrong.push(`The tag is ${tag}, the packages are ${version}: tag v${version}, or change the versions.`);
  if (!readFileSync('CHANGELOG.md', 'utf8').includes(`\n## [${version}]`)) {
    wrong.push(`CHANGELOG.md has no section "## [${version}]": move what stands under Unreleased there.`);
  }
}

for (const line of wrong) console.error(line);
console.log(`${String(manifests.length)} packages at ${version}.`);
process.exitCode = wrong.length > 0 ? 1 : 0;
