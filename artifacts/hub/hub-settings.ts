/** Which Hub, whose token, which cache: the environment variables of the Python package `huggingface_hub`. */
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

export interface HubSettings {
  /** Address of the Hub, without a trailing slash. */
  readonly endpoint: string;
  /** Absent if there is none: public repositories need none. */
  readonly token?: string;
  /** Shared with the Python package: what either downloaded, both find. */
  readonly cacheFolder: string;
}

export function hubSettings(environment: NodeJS.ProcessEnv): HubSettings {
  const of = (name: string): string | undefined => (environment[name] === '' ? undefined : environment[name]);
  const home = of('HF_HOME') ?? join(of('XDG_CACHE_HOME') ?? join(homedir(), '.cache'), 'huggingface');
  const token = of('HF_TOKEN') ?? keptToken(of('HF_TOKEN_PATH') ?? join(home, 'token'));
  return {
    endpoint: (of('HF_ENDPOINT') ?? 'https://huggingface.co').replace(/\/+$/, ''),
    ...(token !== undefined && { token }),
    cacheFolder: of('HF_HUB_CACHE') ?? join(home, 'hub'),
  };
}

/** The token that `hf auth login` saved. */
function keptToken(path: string): string | undefined {
  const text = existsSync(path) ? readFileSync(path, 'utf8').trim() : '';
  return text === '' ? undefined : text;
}
