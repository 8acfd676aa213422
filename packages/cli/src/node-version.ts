/** Which Node this program needs. Old ones read this file too: it imports nothing and says it in words of ten years ago. */

/** The least version, as `package.json` says it under `engines`. */
export const LEAST_NODE = '22.13';

/** Whether a version of Node, such as `22.13.0`, is new enough. */
export function isNewEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [leastMajor = 0, leastMinor = 0] = LEAST_NODE.split('.').map(Number);
  return major > leastMajor || (major === leastMajor && minor >= leastMinor);
}
