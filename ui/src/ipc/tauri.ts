import { Channel } from '@tauri-apps/api/core';

import type { Backend, Commands } from './backend';
import { commands, events } from './bindings';
import { IpcError } from './error';

type Raw = (...args: unknown[]) => Promise<unknown>;

/** Rust, through the generated bindings. */
export function tauriBackend(): Backend {
  const wrapped: Record<string, Raw> = {};
  for (const [name, command] of Object.entries(commands)) wrapped[name] = wrap(command as Raw);
  return {
    commands: wrapped as unknown as Commands,
    async listen(listeners) {
      const stops = await Promise.all([
        events.factsArrived.listen((event) => listeners.factsArrived(event.payload)),
        events.attentionChanged.listen((event) => listeners.attentionChanged(event.payload)),
        events.accountsChanged.listen((event) => listeners.accountsChanged(event.payload)),
        events.statusChanged.listen((event) => listeners.statusChanged(event.payload)),
        events.linkClicked.listen((event) => listeners.linkClicked(event.payload)),
        events.noticeOpened.listen((event) => listeners.noticeOpened(event.payload)),
        events.preferencesChanged.listen((event) => listeners.preferencesChanged(event.payload)),
        events.adoptionChanged.listen((event) => listeners.adoptionChanged(event.payload)),
      ]);
      return () => stops.forEach((stop) => stop());
    },
  };
}

function wrap(command: Raw): Raw {
  return async (...args) => {
    let answer: unknown;
    try {
      answer = await command(...args.map(asChannel));
    } catch (thrown) {
      throw IpcError.from(thrown);
    }
    if (!isResult(answer)) return answer;
    if (answer.status === 'error') throw answer.error === null ? IpcError.from('refused without a reason') : new IpcError(answer.error);
    return answer.data;
  };
}

function asChannel(argument: unknown): unknown {
  return typeof argument === 'function' ? new Channel(argument as (message: unknown) => void) : argument;
}

type Result = { status: 'ok'; data: unknown } | { status: 'error'; error: ConstructorParameters<typeof IpcError>[0] | null };

function isResult(answer: unknown): answer is Result {
  if (typeof answer !== 'object' || answer === null || !('status' in answer)) return false;
  return (answer.status === 'ok' && 'data' in answer) || (answer.status === 'error' && 'error' in answer);
}
