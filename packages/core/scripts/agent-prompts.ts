/** Agent prompts as they are sent on small budgets: three small tools or two medium ones, and a few short steps. */

interface Tool {
  readonly name: string;
  readonly description: string;
  readonly parameters: object;
}

const text = (description: string): object => ({ type: 'string', description });

const SMALL: readonly Tool[] = [
  {
    name: 'search_orders',
    description: 'Searches the orders of a customer.',
    parameters: {
      type: 'object',
      properties: { customerId: text('The customer.'), status: { type: 'string', enum: ['open', 'shipped', 'lost'] } },
      required: ['customerId'],
      additionalProperties: false,
    },
  },
  {
    name: 'get_order',
    description: 'Reads one order.',
    parameters: { type: 'object', properties: { orderId: { type: 'string' } }, required: ['orderId'] },
  },
  {
    name: 'refund',
    description: 'Refunds an order, whole or in part.',
    parameters: {
      type: 'object',
      properties: { orderId: { type: 'string' }, amount: { type: 'number' }, reason: text('What the customer reads.') },
      required: ['orderId', 'amount'],
    },
  },
];

const MEDIUM: readonly Tool[] = [
  ...SMALL,
  {
    name: 'create_ticket',
    description:
      'Opens a ticket for a colleague when the customer can not be helped at once. Use it only after the order was read, and name what was tried. Never open a second ticket for one order.',
    parameters: {
      type: 'object',
      properties: {
        title: text('One line, at most eighty characters.'),
        body: text('What happened, what was tried, and what the customer expects; complete sentences.'),
        priority: { type: 'string', enum: ['low', 'normal', 'high', 'urgent'], description: 'Default: normal.' },
        labels: { type: 'array', items: { type: 'string' }, maxItems: 5 },
        contact: {
          type: 'object',
          properties: { email: text('Where to answer.'), phone: text('With the country code.') },
          required: ['email'],
        },
      },
      required: ['title', 'body', 'contact'],
      additionalProperties: false,
    },
  },
];

const SYSTEM =
  'You are a support agent of a small shop. Be brief and polite. Look things up before you answer, never guess, and refund at most fifty dollars without asking a colleague. Answer in the language of the customer.';

/** One step of the conversation: what the model asked for, and what the tool answered. */
interface Step {
  readonly id: string;
  readonly tool: string;
  readonly args: object;
  readonly result: string;
}

const CALLS: readonly Omit<Step, 'id'>[] = [
  {
    tool: 'search_orders',
    args: { customerId: 'C-20931', status: 'shipped' },
    result: '{"orders":[{"orderId":"A-1009","total":38.5,"shippedAt":"2026-03-02"}]}',
  },
  {
    tool: 'get_order',
    args: { orderId: 'A-1009' },
    result:
      '{"orderId":"A-1009","items":[{"sku":"mug-blue","qty":2,"price":14.25},{"sku":"tea-100g","qty":1,"price":10}],"carrier":"DHL","delivered":false}',
  },
  {
    tool: 'refund',
    args: { orderId: 'A-1009', amount: 14.25, reason: 'One of the two mugs arrived broken.' },
    result: '{"ok":true,"refundId":"R-5521"}',
  },
];

const steps = (count: number): Step[] =>
  Array.from({ length: count }, (_, n) => ({ id: `call_${n}kQ2xVb7LmT4pYw`, ...(CALLS[n % 3] as Omit<Step, 'id'>) }));

const ASKED = 'Hi, one of the mugs in my last order came broken. My number is C-20931. What can you do?';

/** A prompt in one provider's own shape, and as plain text with the marks that its model reads between the pieces. */
export interface Prompt {
  readonly body: Readonly<Record<string, unknown>>;
  /** The pieces of text that the model reads. */
  readonly pieces: readonly string[];
  /** Special tokens around them. */
  readonly marks: number;
}

/** The prompts by name: so many steps, with small or medium tools. */
export const SIZES = [
  ['1 step, small tools', 1, SMALL],
  ['3 steps, small tools', 3, SMALL],
  ['8 steps, small tools', 8, SMALL],
  ['3 steps, medium tools', 3, MEDIUM],
  ['8 steps, medium tools', 8, MEDIUM],
] as const;

const json = JSON.stringify;

/** A chat completion: OpenAI and Mistral. */
export function chat(model: string, count: number, tools: readonly Tool[]): Prompt {
  const asked = steps(count);
  const messages = asked.flatMap(({ id, tool, args, result }) => [
    {
      role: 'assistant',
      content: null,
      tool_calls: [{ id, type: 'function', function: { name: tool, arguments: json(args) } }],
    },
    { role: 'tool', tool_call_id: id, content: result },
  ]);
  return {
    body: {
      model,
      messages: [{ role: 'system', content: SYSTEM }, { role: 'user', content: ASKED }, ...messages],
      tools: tools.map((definition) => ({ type: 'function', function: definition })),
    },
    ...asRead(asked, tools),
  };
}

/** A message of Anthropic's. */
export function messages(model: string, count: number, tools: readonly Tool[]): Prompt {
  const asked = steps(count);
  const turns = asked.flatMap(({ id, tool, args, result }) => [
    { role: 'assistant', content: [{ type: 'tool_use', id, name: tool, input: args }] },
    { role: 'user', content: [{ type: 'tool_result', tool_use_id: id, content: result }] },
  ]);
  const definitions = tools.map(({ parameters, ...rest }) => ({ ...rest, input_schema: parameters }));
  const body = {
    model,
    max_tokens: 512,
    system: SYSTEM,
    messages: [{ role: 'user', content: ASKED }, ...turns],
    tools: definitions,
  };
  return { body, ...asRead(asked, tools) };
}

/** Google's generateContent. */
export function contents(count: number, tools: readonly Tool[]): Prompt {
  const asked = steps(count);
  const turns = asked.flatMap(({ tool, args, result }) => [
    { role: 'model', parts: [{ functionCall: { name: tool, args } }] },
    { role: 'user', parts: [{ functionResponse: { name: tool, response: JSON.parse(result) as object } }] },
  ]);
  const body = {
    systemInstruction: { parts: [{ text: SYSTEM }] },
    contents: [{ role: 'user', parts: [{ text: ASKED }] }, ...turns],
    tools: [{ functionDeclarations: tools }],
  };
  return { body, ...asRead(asked, tools) };
}

/** The AI SDK's call of a model. */
export function sdk(count: number, tools: readonly Tool[]): Prompt {
  const asked = steps(count);
  const turns = asked.flatMap(({ id, tool, args, result }) => [
    { role: 'assistant', content: [{ type: 'tool-call', toolCallId: id, toolName: tool, input: args }] },
    {
      role: 'tool',
      content: [
        {
          type: 'tool-result',
          toolCallId: id,
          toolName: tool,
          output: { type: 'json', value: JSON.parse(result) as object },
        },
      ],
    },
  ]);
  const body = {
    prompt: [{ role: 'system', content: SYSTEM }, { role: 'user', content: [{ type: 'text', text: ASKED }] }, ...turns],
    tools: tools.map(({ name, description, parameters }) => ({
      type: 'function',
      name,
      description,
      inputSchema: { $schema: 'http://json-schema.org/draft-07/schema#', ...parameters },
    })),
  };
  return { body, ...asRead(asked, tools) };
}

/** What a model reads of it, as far as that is known: definitions as JSON, calls by name and arguments, results as they are. */
function asRead(asked: readonly Step[], tools: readonly Tool[]): Pick<Prompt, 'pieces' | 'marks'> {
  const calls = asked.flatMap(({ tool, args, result }) => [
    `functions.${tool}`,
    json(args),
    `functions.${tool}`,
    result,
  ]);
  const pieces = [SYSTEM, ASKED, ...tools.map((tool) => json(tool)), ...calls];
  return { pieces, marks: 4 * (2 + 2 * asked.length) + 3 };
}
