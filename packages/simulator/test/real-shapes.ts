/** Shapes written down by hand from recorded answers of the real providers (late 2025 to mid 2026). */
import type { Shape } from './shape.ts';

export const CHAT_USAGE: Shape = {
  prompt_tokens: 'number',
  completion_tokens: 'number',
  total_tokens: 'number',
  prompt_tokens_details: { cached_tokens: 'number', audio_tokens: 'number', 'cache_write_tokens?': 'number' },
  completion_tokens_details: {
    reasoning_tokens: 'number',
    audio_tokens: 'number',
    accepted_prediction_tokens: 'number',
    rejected_prediction_tokens: 'number',
  },
};

export const CHAT: Shape = {
  id: 'string',
  object: 'string',
  created: 'number',
  model: 'string',
  choices: [
    {
      index: 'number',
      message: {
        role: 'string',
        content: 'string|null',
        'tool_calls?': [{ id: 'string', type: 'string', function: { name: 'string', arguments: 'string' } }],
        refusal: 'null',
        annotations: 'array',
      },
      logprobs: 'null',
      finish_reason: 'string',
    },
  ],
  usage: CHAT_USAGE,
  service_tier: 'string',
  system_fingerprint: 'string',
};

export const CHAT_CHUNK: Shape = {
  id: 'string',
  object: 'string',
  created: 'number',
  model: 'string',
  service_tier: 'string',
  system_fingerprint: 'string',
  usage: 'null|object',
  choices: [
    {
      index: 'number',
      delta: {
        'role?': 'string',
        'content?': 'string|null',
        'refusal?': 'null',
        'tool_calls?': [
          {
            index: 'number',
            'id?': 'string',
            'type?': 'string',
            function: { 'name?': 'string', arguments: 'string' },
          },
        ],
      },
      logprobs: 'null',
      finish_reason: 'string|null',
    },
  ],
};

export const RESPONSE: Shape = {
  id: 'string',
  object: 'string',
  created_at: 'number',
  status: 'string',
  background: 'boolean',
  completed_at: 'number|null',
  error: 'null',
  incomplete_details: 'null|object',
  instructions: 'string|null',
  max_output_tokens: 'number|null',
  max_tool_calls: 'null',
  model: 'string',
  output: 'array',
  parallel_tool_calls: 'boolean',
  previous_response_id: 'null',
  prompt_cache_key: 'null',
  reasoning: { effort: 'string|null', summary: 'string|null' },
  safety_identifier: 'null',
  service_tier: 'string',
  store: 'boolean',
  temperature: 'number',
  text: { format: { type: 'string' }, verbosity: 'string' },
  tool_choice: 'string',
  tools: 'array',
  top_logprobs: 'number',
  top_p: 'number',
  truncation: 'string',
  usage: {
    input_tokens: 'number',
    input_tokens_details: { cached_tokens: 'number', 'cache_write_tokens?': 'number' },
    output_tokens: 'number',
    output_tokens_details: { reasoning_tokens: 'number' },
    total_tokens: 'number',
  },
  user: 'null',
  metadata: 'object',
};

const ANTHROPIC_USAGE: Shape = {
  input_tokens: 'number',
  cache_creation_input_tokens: 'number',
  cache_read_input_tokens: 'number',
  cache_creation: { ephemeral_5m_input_tokens: 'number', ephemeral_1h_input_tokens: 'number' },
  output_tokens: 'number',
  'output_tokens_details?': { thinking_tokens: 'number' },
  service_tier: 'string',
  inference_geo: 'string',
};

export const MESSAGE: Shape = {
  model: 'string',
  id: 'string',
  type: 'string',
  role: 'string',
  content: 'array',
  stop_reason: 'string|null',
  stop_sequence: 'null',
  usage: ANTHROPIC_USAGE,
};

const TOKEN_DETAILS: Shape = [{ modality: 'string', tokenCount: 'number' }];

export const GENERATED: Shape = {
  candidates: [
    {
      content: {
        parts: [{ 'text?': 'string', 'thought?': 'boolean', 'functionCall?': { name: 'string', args: 'object' } }],
        role: 'string',
      },
      'finishReason?': 'string',
      index: 'number',
    },
  ],
  usageMetadata: {
    promptTokenCount: 'number',
    'candidatesTokenCount?': 'number',
    totalTokenCount: 'number',
    'cachedContentTokenCount?': 'number',
    'cacheTokensDetails?': TOKEN_DETAILS,
    promptTokensDetails: TOKEN_DETAILS,
    'toolUsePromptTokenCount?': 'number',
    'toolUsePromptTokensDetails?': TOKEN_DETAILS,
    'thoughtsTokenCount?': 'number',
    serviceTier: 'string',
  },
  modelVersion: 'string',
  responseId: 'string',
};

const MISTRAL_USAGE: Shape = {
  prompt_tokens: 'number',
  total_tokens: 'number',
  completion_tokens: 'number',
  'num_cached_tokens?': 'number',
  'prompt_tokens_details?': { cached_tokens: 'number' },
};
const MISTRAL_CALLS: Shape = [{ id: 'string', function: { name: 'string', arguments: 'string' }, index: 'number' }];
export const MISTRAL: Shape = {
  id: 'string',
  created: 'number',
  model: 'string',
  usage: MISTRAL_USAGE,
  object: 'string',
  choices: [
    {
      index: 'number',
      finish_reason: 'string',
      message: { role: 'string', tool_calls: 'any', content: 'string|array' },
    },
  ],
};
export const MISTRAL_CHUNK: Shape = {
  id: 'string',
  object: 'string',
  created: 'number',
  model: 'string',
  choices: [
    {
      index: 'number',
      delta: { 'role?': 'string', content: 'string|array', 'tool_calls?': MISTRAL_CALLS },
      finish_reason: 'string|null',
      logprobs: 'null',
    },
  ],
  'usage?': MISTRAL_USAGE,
};
