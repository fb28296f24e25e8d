/** An arm's own policy: a model behind an OpenAI-compatible endpoint, which is only asked (docs/endpoints.md). */
import { z } from 'zod';
import { count } from './scalars.ts';

const address = z.url({ protocol: /^https?$/ }).refine(
  (text) => {
    const { username, password, search, hash } = new URL(URL.canParse(text) ? text : 'http://refused-already');
    return `${username}${password}${search}${hash}` === '';
  },
  { error: 'an address without user, password, query and fragment: the key is read from `keyVariable`' },
);

const price = z.number().min(0);

const costSchema = z.strictObject({
  promptPrice: price.describe('Price of a million tokens of prompts, in any currency.'),
  completionPrice: price.describe('Price of a million tokens of answers.'),
  costMax: z
    .number()
    .positive()
    .optional()
    .describe(
      "No request is sent once the arm's answers cost this much, those kept from earlier runs included; answers in flight (`requestCountMax`) may come on top.",
    ),
});

export const endpointSchema = z
  .strictObject({
    endpoint: address.describe('Base address of the API; requests go to `/chat/completions` below it.'),
    model: z.string().min(1).max(200).describe('Name of the model, as the endpoint knows it.'),
    keyVariable: z
      .string()
      .regex(/^[A-Z][A-Z0-9_]*_(API_KEY|TOKEN)$/, 'the name of an environment variable that ends in _API_KEY or _TOKEN')
      .optional()
      .describe(
        'Environment variable of the workers with the key, with a name that ends in _API_KEY or _TOKEN; default: OPENAI_API_KEY, if it is set.',
      ),
    requestCountMax: count.max(64).default(8).describe('Requests in flight.'),
    timeoutMs: count.max(300_000).default(120_000).describe('Timeout of one request.'),
    tokenLimit: z
      .enum(['max_tokens', 'max_completion_tokens'])
      .default('max_tokens')
      .describe('Request field that limits the tokens of an answer; reasoning models want the second.'),
    omit: z
      .array(z.enum(['temperature', 'top_p', 'seed']))
      .default([])
      .describe('Request fields that the model rejects and that are left out.'),
    cost: costSchema.optional().describe('Prices, for the report and for a ceiling.'),
  })
  .describe("This arm's own policy instead of the recipe's: a model behind an OpenAI-compatible endpoint.");

export type EndpointSpec = z.infer<typeof endpointSchema>;
