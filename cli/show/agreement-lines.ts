/** Agreement with people over time, a line for each period and judge. */
import type { AgreementOverTime } from '../../judge/scoring/people/agreement-over-time.ts';

export function agreementLines({ by, people, labelCount, randomCount, periods }: AgreementOverTime): string[] {
  const counts = `${String(randomCount)} of ${String(labelCount)} labels of ${String(people)} people`;
  const head = `agreement with people by ${by}: ${counts} count, those of examples chosen at random`;
  const percent = (share: number): string => (share * 100).toFixed(1);
  return [
    head,
    ...periods.flatMap(({ period, judges }) =>
      judges.map(({ judge, agreement, ci95, labelCount: count, groupCount }) => {
        const interval = ci95.map(percent).join('\u2013');
        return `  ${period}  ${judge}  ${percent(agreement)} % (${interval}), ${String(count)} labels of ${String(groupCount)} examples`;
      }),
    ),
  ];
}
