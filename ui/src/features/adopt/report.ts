import { f, t } from '../../i18n/index.svelte';
import type { AdoptionReport } from '../../ipc/client';

/** The report as plain text, in the words of the window. */
export function reportText(report: AdoptionReport, came: boolean): string {
  const lines = [t('adopt.report'), ''];
  for (const thing of report.things) {
    const counts = [`${t('adopt.col.found')}: ${f.number(thing.found)}`, `${t(came ? 'adopt.col.came' : 'adopt.col.new')}: ${f.number(thing.new)}`, `${t('adopt.col.known')}: ${f.number(thing.known)}`];
    lines.push(`${t(`adopt.thing.${thing.thing}`)}. ${counts.join(', ')}`);
    for (const remark of thing.remarks) {
      lines.push(`  ${t(remark.comesOver ? 'adopt.otherwise' : 'adopt.notOver')}: ${f.number(remark.count)}, ${t(`adopt.why.${remark.why}`)}`);
      lines.push(...remark.examples.map((example) => `    ${example}`));
    }
  }
  return `${lines.join('\n')}\n`;
}
