/**
 * Programs of the images of Temporal's server and its database, which only `npm run test:compose` brings: the server,
 * the tool for its schema, and PostgreSQL from PATH.
 */
import { execFileSync } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { projectRoot } from '../../../core/project.ts';
import { findBinary } from '../../../infra/binaries/binaries.ts';
import { locateOnPath } from '../../../infra/binaries/locate.ts';
import type { User } from './processes.ts';

export interface TemporalPrograms {
  readonly server: string;
  readonly sqlTool: string;
  /** What the image of the tools has in /etc/temporal/schema. */
  readonly schemaFolder: string;
  /** Folder with postgres and initdb. */
  readonly postgresFolder: string;
  /** Who runs PostgreSQL, which does not run as root. */
  readonly postgresUser: User;
}

/** The programs, or what is missing. */
export async function findTemporalPrograms(): Promise<TemporalPrograms | { readonly missing: string }> {
  const [server, sqlTool] = [await findBinary('temporal-server'), await findBinary('temporal-sql-tool')];
  if (!('path' in server && 'path' in sqlTool)) return { missing: 'temporal-server and temporal-sql-tool' };
  const [postgres, ready, go] = ['postgres', 'pg_isready', 'go'].map((name) => locateOnPath(name));
  const postgresUser = unprivilegedUser();
  if (postgres === undefined || ready === undefined || postgresUser === undefined)
    return { missing: 'postgres and pg_isready on PATH, and a user postgres if this is root' };
  if (go === undefined) return { missing: "go on PATH, which knows the folder of Temporal's schema" };
  const module = ['list', '-m', '-mod=readonly', '-f', '{{.Dir}}', 'go.temporal.io/server'];
  const options = { cwd: join(projectRoot, 'infra', 'temporal'), encoding: 'utf8' } as const;
  const schemaFolder = join(execFileSync(go, module, options).trim(), 'schema');
  const postgresFolder = dirname(realpathSync(postgres));
  return { server: server.path, sqlTool: sqlTool.path, schemaFolder, postgresFolder, postgresUser };
}

function unprivilegedUser(): User | undefined {
  const { uid, gid } = userInfo();
  if (uid !== 0) return { uid, gid };
  try {
    const [id = 0, group = 0] = ['-u', '-g'].map((flag) =>
      Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })),
    );
    return { uid: id, gid: group };
  } catch {
    return undefined;
  }
}
