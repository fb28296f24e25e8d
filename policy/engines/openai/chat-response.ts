/** Reads the body of a successful response of /chat/completions. */
import type { EndpointAnswer, TokenUsage } from '../endpoint.ts';

type Fields = Readonly<Record<string, unknown>>;

/** The answer, or what is wrong with the body. Text of the body is not quoted: it may be a row's, or a secret. */
export function answerIn(body: string): EndpointAnswer | string {
  const whole = objectIn(body);
  if (whole === undefined) return `${String(Buffer.byteLength(body))} bytes that are no JSON object`;
  const { choices } = whole;
  const [choice] = Array.isArray(choices) ? (choices as unknown[]) : [];
  if (!isFields(choice) || !isFields(choice['message'])) return 'JSON without choices[0].message';
  const { content, refusal } = choice['message'];
  const usage = usageIn(whole['usage']);
  const billed = usage && { usage };
  const reason = choice['finish_reason'];
  if (reason === 'content_filter' || (typeof refusal === 'string' && refusal !== ''))
    return { text: '', finishReason: 'stop', refusal: 'refused', ...billed };
  if (reason !== 'stop' && reason !== 'length')
    return `finish_reason ${reason === undefined ? 'missing' : JSON.stringify(reason).slice(0, 40)}`;
  // Reasoning models cut off within their reasoning give no content.
  if (content !== null && typeof content !== 'string') return 'choices[0].message.content is neither text nor null';
  return { text: content ?? '', finishReason: reason, ...billed };
}

export interface ReportedError {
  /** Code or type, such as `context_length_exceeded`; empty if there is none. */
  readonly code: string;
  readonly message: string;
}

/** The error in the body of an unsuccessful response: `{"error": {"message", "code", "type"}}`, or any text. */
export function errorIn(body: string): ReportedError {
  const whole = objectIn(body) ?? {};
  const error = isFields(whole['error']) ? whole['error'] : whole;
  const text = (name: string): string => (typeof error[name] === 'string' ? error[name] : '');
  const said = typeof whole['error'] === 'string' ? whole['error'] : text('message');
  return { code: text('code') || text('type'), message: said || body };
}

function usageIn(usage: unknown): TokenUsage | undefined {
  if (!isFields(usage)) return undefined;
  const { prompt_tokens: promptTokenCount, completion_tokens: completionTokenCount } = usage;
  return isCount(promptTokenCount) && isCount(completionTokenCount)
    ? { promptTokenCount, completionTokenCount }
    : undefined;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function objectIn(body: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return isFields(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
