/** As much of Supabase's Management API as `functions deploy --use-api` and `config push` need; remembers what it was sent. */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

const PROJECT = 'abcdefghijklmnopqrst';

/** A function as it was deployed. */
export interface Deployment {
  /** Paths of the uploaded files. */
  readonly files: readonly string[];
  readonly metadata: Readonly<Record<string, unknown>>;
}

export interface ManagementApi {
  readonly url: string;
  readonly project: string;
  /** By the function's name. */
  readonly deployments: ReadonlyMap<string, Deployment>;
  /** What was made of them at the end: name → its settings. */
  readonly settings: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
  /** What `config push` changed of the auth server's settings. */
  readonly authConfig: Readonly<Record<string, unknown>>;
  close(): Promise<void>;
}

/** Starts it on a free port of this machine. */
export async function startManagementApi(): Promise<ManagementApi> {
  const deployments = new Map<string, Deployment>();
  const settings = new Map<string, Record<string, unknown>>();
  const authConfig: Record<string, unknown> = {};

  const answer = async (request: IncomingMessage): Promise<unknown> => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const body = new Response(Buffer.concat(chunks), {
      headers: { 'content-type': request.headers['content-type'] ?? '' },
    });
    if (url.pathname.endsWith('/functions/deploy')) {
      const name = url.searchParams.get('slug') ?? '';
      const form = await body.formData();
      const files = form.getAll('file').map((file) => (file instanceof File ? file.name : ''));
      const metadata = form.get('metadata');
      const text = metadata instanceof File ? await metadata.text() : (metadata ?? '{}');
      const described = JSON.parse(text) as Record<string, unknown>;
      deployments.set(name, { files, metadata: described });
      // As on the platform, where a token is asked for unless the deployment says otherwise.
      return { ...describeFunction(name), verify_jwt: described['verify_jwt'] ?? true };
    }
    if (url.pathname.endsWith('/functions')) {
      if (request.method !== 'PUT') return [];
      for (const one of (await body.json()) as { slug: string }[]) settings.set(one.slug, { ...one });
      return { functions: [] };
    }
    if (url.pathname.endsWith('/billing/addons')) return { selected_addons: [], available_addons: [] };
    if (url.pathname.endsWith('/config')) {
      // A project whose auth server has other settings; of the rest it says nothing.
      return { data: { type: 'project_config', id: PROJECT, attributes: { auth: { site_url: 'http://other' } } } };
    }
    if (url.pathname.endsWith('/config/auth') && request.method === 'PATCH') {
      Object.assign(authConfig, await body.json());
      return authConfig;
    }
    return url.pathname.endsWith(`/projects/${PROJECT}`) ? describeProject() : undefined;
  };

  const server = createServer((request, response) => {
    void answer(request).then((value) => {
      response.writeHead(value === undefined ? 404 : request.method === 'POST' ? 201 : 200, {
        'content-type': 'application/json',
      });
      response.end(JSON.stringify(value ?? { message: 'not here' }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    project: PROJECT,
    deployments,
    settings,
    authConfig,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function describeFunction(name: string): Record<string, unknown> {
  return {
    id: '11111111-1111-4111-8111-111111111111',
    slug: name,
    name,
    status: 'ACTIVE',
    version: 1,
    created_at: 1,
    updated_at: 1,
    import_map: true,
  };
}

function describeProject(): unknown {
  return {
    id: PROJECT,
    ref: PROJECT,
    organization_id: 'o',
    organization_slug: 'o',
    name: 'p',
    region: 'us-east-1',
    created_at: '2026-01-01T00:00:00Z',
    status: 'ACTIVE_HEALTHY',
    database: { host: 'x', version: '17', postgres_engine: '17', release_channel: 'ga' },
  };
}
