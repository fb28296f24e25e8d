/** Reads and replaces the prompts of engine requests of any verb, so that requests can be sent without pixels. */
import type {
  ForwardBackwardRequest,
  ForwardRequest,
  LabelLogProbsRequest,
  Prompt,
  SampleRequest,
  SizedPrompt,
} from '../../../engine.ts';

type PromptedRequest = SampleRequest | LabelLogProbsRequest | ForwardRequest | ForwardBackwardRequest;

/** Returns the request with its prompts replaced; `map` receives each prompt with its index in the request. */
export function mapPrompts(request: PromptedRequest, map: (prompt: Prompt, index: number) => SizedPrompt): object {
  if ('groups' in request)
    return { ...request, groups: request.groups.map((group, i) => ({ ...group, prompt: map(group.prompt, i) })) };
  return {
    ...request,
    prompts: request.prompts.map((one, i) => ('prompt' in one ? { ...one, prompt: map(one.prompt, i) } : map(one, i))),
  };
}

export function promptsOf(request: PromptedRequest): readonly Prompt[] {
  if ('groups' in request) return request.groups.map(({ prompt }) => prompt);
  return request.prompts.map((one) => ('prompt' in one ? one.prompt : one));
}

export function isPrompted(arg: unknown): arg is PromptedRequest {
  return typeof arg === 'object' && arg !== null && ('groups' in arg || 'prompts' in arg);
}
