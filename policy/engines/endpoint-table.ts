/** All endpoints. To add one, add `open.ts` in a folder of its name and a line here. */
import type { OpenEndpoint } from './endpoint.ts';
import { openOpenai } from './openai/open.ts';

export const endpointTable = {
  openai: openOpenai,
} as const satisfies Readonly<Record<string, OpenEndpoint>>;
