// New mail, from the words with which the server answers IDLE to the painted row, in a mailbox of 2,000 mails.
import { Lab, Profile, Window, arrival, quantile, until } from '../harness.mjs';

const MAILS = 2000;
const PROBES = 200;
const MAILBOX = { user: 'arrival', name: 'Arrival', address: 'arrival@skrynka.test', password: 'bench' };

export async function arrivals() {
  const lab = await Lab.start();
  const profile = new Profile();
  try {
    await lab.ask('add_user', { user: MAILBOX.user, password: MAILBOX.password });
    await lab.ask('fill_bench', { user: MAILBOX.user, count: MAILS });
    await profile.addMailbox(lab, MAILBOX);
    await profile.run(['listen', '--until-idle']);
    const window = await Window.open(profile, { pictures: false });
    try {
      await window.find('conversation-row');
      await until('the listener', () => lab.ask('traffic').then(({ open }) => open > 0));
      const took = [];
      for (let probe = 0; probe < PROBES; probe++) took.push(await arrival(lab, window, MAILBOX.user, `Arrival ${probe}`));
      const ms = (share) => quantile(took, share).toFixed(0);
      return [{
        what: `IDLE's answer to the painted row (${PROBES} mails)`,
        ours: `p50 ${ms(0.5)} ms, p99 ${ms(0.99)} ms, slowest ${ms(1)} ms`,
        budget: 'p50 <= 30 ms, p99 <= 100 ms',
      }];
    } finally {
      await window.close();
    }
  } finally {
    await profile.remove();
    await lab.stop();
  }
}
