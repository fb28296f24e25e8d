/** The body of POST /v1/chat/completions: the part of the OpenAI API that the server has. Other fields are refused. */
import { z } from 'zod';
import type { Limits } from '../limits.ts';

const textPart = z.strictObject({ type: z.literal('text'), text: z.string() });
const imagePart = z.strictObject({
  type: z.literal('image_url'),
  image_url: z.strictObject({
    url: z.string().describe('A data URI: data:image/png;base64,...'),
    detail: z.enum(['auto', 'low', 'high']).optional().describe('Without effect: the model decides.'),
  }),
});

const messageSchema = z.union([
  z.strictObject({
    role: z.enum(['system', 'developer', 'assistant']),
    content: z.union([z.string(), z.array(textPart)]),
    name: z.string().optional(),
  }),
  z.strictObject({
    role: z.literal('user'),
    content: z.union([z.string(), z.array(z.union([textPart, imagePart]))]),
    name: z.string().optional(),
  }),
]);

export type ChatMessageInput = z.output<typeof messageSchema>;

/** A field that clients send with the value that means nothing. */
const neutral = <T extends z.ZodType>(schema: T) => schema.nullish().describe('Only this value.');

export function chatRequestSchema(limits: Pick<Limits, 'tokenCountMax' | 'sampleCountMax'>) {
  const tokenCount = z.int().min(1).max(limits.tokenCountMax).nullish();
  return z.strictObject({
    model: z.string().describe('The served model.'),
    messages: z.array(messageSchema).min(1),
    temperature: z.number().min(0).max(2).nullish().describe('0: the most probable token each time. Default 1.'),
    top_p: z.number().gt(0).max(1).nullish(),
    n: z.int().min(1).max(limits.sampleCountMax).nullish(),
    seed: z.int().min(0).nullish().describe('Equal requests with equal seeds get equal answers.'),
    max_tokens: tokenCount.describe("Default: the recipe's `evaluation.tokenCountMax`."),
    max_completion_tokens: tokenCount.describe('The same, by its newer name.'),
    stop: z
      .union([z.string().min(1), z.array(z.string().min(1)).max(4)])
      .nullish()
      .describe('The answer ends before the first of these.'),
    stream: z.boolean().nullish(),
    stream_options: z.strictObject({ include_usage: z.boolean().optional() }).nullish(),
    logprobs: z.boolean().nullish().describe('Log-probs of the tokens at the temperature of the request.'),
    user: z.string().nullish().describe('Without effect.'),
    top_logprobs: neutral(z.literal(0)),
    frequency_penalty: neutral(z.literal(0)),
    presence_penalty: neutral(z.literal(0)),
    response_format: neutral(z.strictObject({ type: z.literal('text') })),
    tool_choice: neutral(z.literal('none')),
  });
}

export type ChatRequest = z.output<ReturnType<typeof chatRequestSchema>>;
