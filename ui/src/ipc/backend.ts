import type { Channel } from '@tauri-apps/api/core';

import type { AccountsChanged, AdoptionView, AppStatus, AttentionChanged, FactsArrived, LinkClicked, NoticeOpened, Preferences, commands } from './bindings';

type Answer<T> = T extends { status: 'ok'; data: infer D } ? D : T extends { status: 'error' } ? never : T;
type Argument<T> = T extends Channel<infer M> ? (message: M) => void : T;
type Arguments<T extends unknown[]> = { [I in keyof T]: Argument<T[I]> };

/** Every command as a plain promise that fails with an `IpcError`; a stream of answers is a callback. */
export type Commands = {
  [K in keyof typeof commands]: (typeof commands)[K] extends (...args: infer A) => Promise<infer R>
    ? (...args: Arguments<A>) => Promise<Answer<R>>
    : never;
};

/** What is told without being asked. */
export interface Listeners {
  factsArrived: (facts: FactsArrived) => void;
  accountsChanged: (changed: AccountsChanged) => void;
  attentionChanged: (changed: AttentionChanged) => void;
  statusChanged: (status: AppStatus) => void;
  linkClicked: (clicked: LinkClicked) => void;
  noticeOpened: (opened: NoticeOpened) => void;
  preferencesChanged: (preferences: Preferences) => void;
  adoptionChanged: (view: AdoptionView) => void;
}

/** The other side of the window: Rust, or the invented bureau of the tests. */
export interface Backend {
  commands: Commands;
  /** Starts handing over events; they are in force once the promise is settled. */
  listen(listeners: Listeners): Promise<() => void>;
}
