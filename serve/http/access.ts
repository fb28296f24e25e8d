/** Who may call: holders of a token; anyone on this machine if there are no tokens. */
import type { Tokens } from '../tokens.ts';
import { HttpError } from './http-error.ts';

export class Access {
  readonly #tokens: Tokens;
  /** Once there has been a token, one is required: the last may have been revoked. */
  #isGuarded = false;

  constructor(tokens: Tokens) {
    this.#tokens = tokens;
  }

  async isGuarded(): Promise<boolean> {
    return (this.#isGuarded ||= !(await this.#tokens.isEmpty()));
  }

  /** The name of the caller's token; undefined if none is required. Throws HttpError 401, 403. */
  async callerOf(request: Request): Promise<string | undefined> {
    const [, token] = /^Bearer ([\x21-\x7e]{1,200})$/i.exec(request.headers.get('authorization') ?? '') ?? [];
    const found = token === undefined ? undefined : await this.#tokens.find(token);
    if (found !== undefined) return found.name;
    if (await this.isGuarded())
      throw new HttpError(
        401,
        token === undefined ? 'a token is required: Authorization: Bearer TOKEN' : 'the token is unknown or revoked',
        { code: 'invalid_api_key' },
      );
    requireLoopbackName(request);
    return undefined;
  }
}

/** Without tokens, a web page that a browser has open could call by a name that it resolves to this machine. */
function requireLoopbackName({ headers, url }: Request): void {
  const host = headers.get('host') ?? new URL(url).host;
  if (/^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/i.test(host)) return;
  throw new HttpError(403, `without tokens the server answers to localhost only, not to ${host.slice(0, 100)}`);
}
