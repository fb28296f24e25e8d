/** Provenance sections of the report: recipe, data and quarantine, cost, digests. */
import { armCostTable } from './arms/arm-costs.ts';
import type { KeptBytes, ReportData } from './data.ts';
import { endpointTable } from './tables/endpoint-table.ts';
import { bytes, count, duration } from './format.ts';
import { type Html, html } from './html.ts';
import { plainTable } from './tables/plain-table.ts';

const shownRowCountMax = 50;

export function recipeSection({ recipeText, recipeDigest }: ReportData): Html {
  return html`<p class="muted">sha256 <code>${recipeDigest}</code></p>
    <pre class="recipe"><code>${recipeText}</code></pre>`;
}

export function dataSection({ dataset }: ReportData): Html {
  const { exampleCount, imageCount, quarantinedCount, quarantined, quarantineUri, leaks, leaksUri } = dataset;
  const { leftOutCount } = dataset;
  return html`<ul class="facts">
      ${fact('examples', count(exampleCount))}${fact('images', count(imageCount))}${fact('quarantined rows', count(quarantinedCount))}${leftOutCount === 0 ? undefined : fact('rows left out by the recipe', count(leftOutCount))}${fact('leaks', leaks === undefined ? 'not checked' : count(leaks.length))}
    </ul>
    ${
      quarantined.length === 0
        ? undefined
        : html`${plainTable(
            ['row', 'reason', 'content'],
            quarantined
              .slice(0, shownRowCountMax)
              .map((row) => [
                html`<code>${row.source}:${row.row}</code>`,
                html`<b>${row.code}</b> ${row.reason}`,
                html`<code>${row.excerpt}</code>`,
              ]),
          )}${whereAllAre(quarantined.length, quarantinedCount, quarantineUri)}`
    }
    ${
      leaks === undefined || leaks.length === 0
        ? undefined
        : html`<h3>Leaks: in training and test data</h3>
            ${plainTable(
              ['how', 'training', 'test'],
              leaks
                .slice(0, shownRowCountMax)
                .map((leak) => [leak.kind, html`<code>${leak.train}</code>`, html`<code>${leak.test}</code>`]),
            )}${whereAllAre(leaks.length, leaks.length, leaksUri)}`
    }`;
}

/** States how many rows a table shows of how many, so that omissions are visible, and where all of them are. */
function whereAllAre(listedCount: number, totalCount: number, uri: string | undefined): Html {
  const shownCount = Math.min(listedCount, shownRowCountMax);
  const shown = shownCount < totalCount ? `the first ${count(shownCount)} of ${count(totalCount)}` : 'all';
  return html`<p class="muted">
    ${shown}${uri === undefined ? undefined : html`; in full: <code>mtrl fetch ${uri}</code>`}
  </p>`;
}

export function costSection(data: ReportData): Html {
  const { cost, runs } = data;
  const computeMs = cost.stages.reduce((sum, stage) => sum + stage.computeMs, 0);
  const activities = cost.cache.hits + cost.cache.misses;
  return html`<ul class="facts">
      ${fact('wall time', duration(cost.wallMs))}${fact('compute', duration(computeMs))}${fact('activities', count(activities))}${fact('from the cache', count(cost.cache.hits))}
    </ul>
    ${armCostTable(data)}
    <div class="columns">
      <div>
        ${plainTable(
          ['run', 'steps', 'wall time', 'compute'],
          runs.map((run) => [run.runName, count(run.stepCount), duration(run.wallMs), duration(run.computeMs)]),
        )}
      </div>
      <div>
        ${
          cost.stages.length === 0
            ? undefined
            : plainTable(
                ['activity', 'count', 'from the cache', 'compute'],
                cost.stages.map((stage) => [
                  stage.activity,
                  count(stage.count),
                  count(stage.cachedCount),
                  duration(stage.computeMs),
                ]),
              )
        }
      </div>
    </div>
    ${endpointTable({ runs })}`;
}

export function digestSection({ runs, artifacts, environment }: ReportData): Html {
  const kept: readonly (KeptBytes & { readonly name: string })[] = [
    ...runs.map((run) => ({ name: `policy of ${run.runName}`, ...run.checkpoint })),
    ...artifacts,
  ];
  return html`<div class="digests">
      ${kept.map(
        (artifact) =>
          html`<div>
            <b>${artifact.name}</b> <small>${bytes(artifact.byteLength)}</small><code>sha256 ${artifact.sha256}</code
            ><code class="uri">${artifact.uri}</code>
          </div>`,
      )}
    </div>
    ${
      Object.keys(environment).length === 0
        ? undefined
        : html`<h3>Environment</h3>
            <dl class="environment">
              ${Object.entries(environment).map(
                ([name, value]) =>
                  html`<dt>${name}</dt>
                    <dd>${value}</dd>`,
              )}
            </dl>`
    }`;
}

function fact(name: string, value: string): Html {
  return html`<li><b>${value}</b><small>${name}</small></li>`;
}
