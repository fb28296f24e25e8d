/** The OpenAPI document, made of the schemas that check the requests. */
import { z } from 'zod';

export interface OpenApiBodies {
  readonly judge: z.ZodType;
  readonly chat: z.ZodType;
}

/** The values that there are now for members of the bodies; others are a 404, and not invalid. */
export type KnownValues = Readonly<Record<'model' | 'task', readonly string[]>>;

const errorSchema = {
  type: 'object',
  required: ['error'],
  properties: {
    error: {
      type: 'object',
      required: ['message', 'type', 'param', 'code'],
      properties: {
        message: { type: 'string' },
        type: { type: 'string' },
        param: { type: ['string', 'null'], description: 'The field of the request that is at fault.' },
        code: { type: ['string', 'null'] },
      },
    },
  },
};

const json = (schema: object) => ({ content: { 'application/json': { schema } } });
const errors = (statuses: readonly number[]) =>
  Object.fromEntries(statuses.map((status) => [String(status), { $ref: '#/components/responses/Error' }]));
const ok = (description: string, schema: object = { type: 'object' }) => ({ '200': { description, ...json(schema) } });
const bodyErrors = [400, 401, 403, 404, 408, 413, 415, 429, 500, 503, 504];

export function openApi({ judge, chat }: OpenApiBodies, known: KnownValues): object {
  const schemaOf = (schema: z.ZodType) => {
    const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input', target: 'draft-2020-12' });
    for (const { properties = {} } of [rest, ...(rest.anyOf ?? [])] as z.core.JSONSchema.JSONSchema[])
      for (const [name, values] of Object.entries(known))
        if (typeof properties[name] === 'object') properties[name].enum = [...values];
    return rest;
  };
  const chatResponses = ok('The completion; with `stream`, its chunks as server-sent events.');
  chatResponses['200'].content = { ...chatResponses['200'].content, ...eventStream };
  return {
    openapi: '3.1.0',
    info: { title: 'mt-rl-judge', version: '1', description: 'A judge over HTTP: verdicts, and chat completions.' },
    paths: {
      '/v1/judge': {
        post: {
          ...{ operationId: 'judge', summary: 'Judge a row, or a batch of rows', security },
          requestBody: { required: true, ...json(schemaOf(judge)) },
          responses: { ...ok('The judgment, or a list of them in the order of the rows.'), ...errors(bodyErrors) },
        },
      },
      '/v1/chat/completions': {
        post: {
          ...{ operationId: 'chat', summary: 'Complete a chat', security },
          requestBody: { required: true, ...json(schemaOf(chat)) },
          responses: { ...chatResponses, ...errors(bodyErrors) },
        },
      },
      '/v1/models': {
        get: {
          ...{ operationId: 'models', summary: 'List the served model', security },
          responses: { ...ok('A list of one model.'), ...errors([401, 403]) },
        },
      },
      '/healthz': { get: { operationId: 'health', responses: ok('The process answers.') } },
      '/readyz': { get: { operationId: 'ready', responses: { ...ok('Requests are accepted.'), ...errors([503]) } } },
    },
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
      responses: { Error: { description: 'What is wrong, and where.', ...json(errorSchema) } },
    },
  };
}

/** A token is required if the operator has created one. */
const security = [{ bearer: [] }, {}];
const eventStream: Record<string, { readonly schema: object }> = {
  'text/event-stream': { schema: { description: 'A chunk in JSON each, then [DONE].' } },
};
