/** Errors in each provider's own shape, as an HTTP body and as an event inside a stream. */
import type { Api, Provider } from '../request.ts';
import { data, named } from './wire.ts';

/** What went wrong, before it takes a provider's shape. */
export interface Failure {
  readonly status: number;
  readonly message: string;
  readonly param?: string | undefined;
}

type Names = Readonly<Record<number, string>>;

const OPENAI: Names = {
  400: 'invalid_request_error',
  401: 'invalid_request_error',
  404: 'invalid_request_error',
  429: 'requests',
};
const OPENAI_CODES: Names = { 401: 'invalid_api_key', 404: 'model_not_found', 429: 'rate_limit_exceeded' };
const ANTHROPIC: Names = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  504: 'timeout_error',
  529: 'overloaded_error',
};
const GOOGLE: Names = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  429: 'RESOURCE_EXHAUSTED',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
};
const MISTRAL: Names = { 400: 'invalid_request_error', 401: 'unauthorized', 404: 'not_found', 429: 'rate_limited' };

const openai = ({ status, message, param }: Failure): { error: Record<string, unknown> } => ({
  error: { message, type: OPENAI[status] ?? 'server_error', param: param ?? null, code: OPENAI_CODES[status] ?? null },
});

const anthropic = ({ status, message }: Failure): { type: string; error: Record<string, unknown> } => ({
  type: 'error',
  error: { type: ANTHROPIC[status] ?? 'api_error', message },
});

/** The JSON body of an HTTP error. */
export function errorBody(provider: Provider, failure: Failure, requestId: string): Record<string, unknown> {
  const { status, message, param } = failure;
  switch (provider) {
    case 'openai':
      return openai(failure);
    case 'anthropic':
      return { ...anthropic(failure), request_id: requestId };
    case 'google':
      return { error: { code: status, message, status: GOOGLE[status] ?? 'INTERNAL' } };
    case 'mistral':
      return {
        object: 'error',
        message,
        type: MISTRAL[status] ?? 'internal_server_error',
        param: param ?? null,
        code: String(status),
      };
  }
}

/** The event that tells a stream's reader of an error. */
export function errorEvent(provider: Provider, api: Api, failure: Failure, sequence: number): string {
  if (provider === 'anthropic') return named(anthropic({ ...failure, status: 529 }));
  if (provider === 'openai' && api === 'responses') {
    return named({
      type: 'error',
      code: 'server_error',
      message: failure.message,
      param: null,
      sequence_number: sequence,
    });
  }
  return data(errorBody(provider, failure, ''));
}
