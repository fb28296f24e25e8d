/** Reads the JSON body of a request within limits of bytes and time, and checks it. */
import type { z } from 'zod';
import type { Limits } from '../limits.ts';
import { HttpError } from './http-error.ts';

/** Throws HttpError: 408, 413, 415, or 400 with the path of the first field that is wrong. */
export async function readBody<T>(request: Request, schema: z.ZodType<T>, limits: Limits): Promise<T> {
  const type = request.headers.get('content-type') ?? '';
  if (!/^application\/json\s*(?:;|$)/i.test(type))
    throw new HttpError(415, `the content type must be application/json, not ${type === '' ? 'absent' : type}`);
  const bytes = await bytesOf(request, limits);
  const parsed = schema.safeParse(jsonOf(bytes));
  if (parsed.success) return parsed.data;
  throw invalid(parsed.error.issues);
}

/**
 * Of a body that is too large, so many times the limit are read and dropped before the answer: a client that is still
 * sending when its connection is closed loses the answer.
 */
const droppedTimes = 4;

async function bytesOf({ body, headers }: Request, limits: Limits): Promise<Uint8Array> {
  const { bodyByteLengthMax, bodyTimeoutMs } = limits;
  const droppedByteLengthMax = droppedTimes * bodyByteLengthMax;
  const announced = Number(headers.get('content-length') ?? 0);
  if (announced > droppedByteLengthMax) throw tooLarge(bodyByteLengthMax);
  if (body === null) throw new HttpError(400, 'the request has no body');
  const reader: ReadableStreamDefaultReader<Uint8Array> = body.getReader();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new HttpError(408, `the body did not arrive within ${bodyTimeoutMs / 1000} s`));
    }, bodyTimeoutMs);
  });
  late.catch(() => undefined);
  const parts: Uint8Array[] = [];
  let byteLength = 0;
  const isTooLarge = (): boolean => Math.max(announced, byteLength) > bodyByteLengthMax;
  try {
    for (;;) {
      const { done, value } = await Promise.race([reader.read(), late]);
      if (done && !isTooLarge()) return Buffer.concat(parts);
      if (done || byteLength > droppedByteLengthMax) throw tooLarge(bodyByteLengthMax);
      byteLength += value.byteLength;
      if (isTooLarge()) parts.length = 0;
      else parts.push(value);
    }
  } catch (error) {
    void reader.cancel().catch(() => undefined);
    if (isTooLarge()) throw tooLarge(bodyByteLengthMax);
    if (error instanceof HttpError) throw error;
    throw new HttpError(400, 'the body was cut off', { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

function tooLarge(byteLengthMax: number): HttpError {
  return new HttpError(413, `the body has more than ${byteLengthMax} bytes`);
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new HttpError(400, `the body is not JSON: ${reason.slice(0, 200)}`, { cause });
  }
}

function invalid(issues: readonly z.core.$ZodIssue[]): HttpError {
  const issue = deepest(issues[0]);
  if (issue === undefined) return new HttpError(400, 'the body is invalid');
  const at = (...more: readonly PropertyKey[]): string => [...issue.path, ...more].map(String).join('.');
  if (issue.code === 'unrecognized_keys') {
    const [first = ''] = issue.keys;
    const names = issue.keys.map((key) => at(key)).join(', ');
    return new HttpError(400, `not supported: ${names}`, { param: at(first), code: 'unsupported_parameter' });
  }
  const param = at();
  const text = param === '' ? issue.message : `${param}: ${issue.message}`;
  return new HttpError(400, text, { ...(param !== '' && { param }), code: 'invalid_value' });
}

/** Of a union, the issue of the alternative that matched most of the value. */
function deepest(issue: z.core.$ZodIssue | undefined): z.core.$ZodIssue | undefined {
  if (issue?.code !== 'invalid_union') return issue;
  const inner = issue.errors.flatMap((issues) => deepest(issues[0]) ?? []);
  const best = inner.sort((a, b) => b.path.length - a.path.length)[0];
  if (best === undefined || best.path.length === 0) return issue;
  return { ...best, path: [...issue.path, ...best.path] };
}
