/** Where an alert goes, for each channel. What is secret in it is written and never read back. */
import { z } from 'zod';

/** What happens when a threshold is crossed. */
export const CHANNELS = ['slack', 'pagerduty', 'email', 'webhook', 'kill'] as const;
export type Channel = (typeof CHANNELS)[number];

const address = z.email().max(254);

/**
 * What each channel needs.
 *
 * @param local whether the backend runs on this machine: only then may a URL be plain http, and lead to this machine
 */
export function targetOf(local: boolean): Record<Channel, z.ZodType> {
  const url = z
    .url()
    .max(2_000)
    .refine(
      (value) => isReachable(value, local),
      local
        ? 'must be an https URL, or an http URL on this machine'
        : 'must be an https URL of a public host, without a user name or password',
    )
    .transform((value) => new URL(value).href);
  return {
    slack: z.strictObject({ webhookUrl: url }),
    pagerduty: z.strictObject({ routingKey: z.string().regex(/^[A-Za-z0-9]{32}$/, 'must be 32 letters or digits') }),
    email: z.strictObject({ to: z.union([address, z.array(address).min(1).max(20)]) }),
    webhook: z.strictObject({
      url,
      /** Signs what is posted (Standard Webhooks): `whsec_` and 24 to 64 bytes in base64. */
      secret: z
        .string()
        .regex(/^whsec_[A-Za-z0-9+/]{32,86}={0,2}$/, 'must be whsec_ and 24 to 64 bytes in base64')
        .optional(),
    }),
    kill: z.strictObject({}),
  };
}

/** The names of a cloud's own network, which a rule must not make the backend post to. */
const INTERNAL = /(?:^|\.)(?:localhost|local|internal|svc|corp|intranet|private|home\.arpa|lan)$/;

function isReachable(value: string, local: boolean): boolean {
  if (!URL.canParse(value)) return false;
  const { protocol, hostname, username, password } = new URL(value);
  if (username !== '' || password !== '') return false;
  const loopback = hostname === 'localhost' || hostname === '[::1]' || /^127\./.test(hostname);
  if (local && loopback) return protocol === 'http:' || protocol === 'https:';
  // Addresses in numbers are refused as a whole: services that take alerts have names.
  const numeric = hostname.startsWith('[') || /^[\d.]+$/.test(hostname);
  // With a dot at its end a name is the same name, and would slip past the list.
  const rooted = hostname.endsWith('.');
  return protocol === 'https:' && !numeric && !rooted && !INTERNAL.test(hostname) && hostname.includes('.');
}
