import { f, t } from '../../../i18n/index.svelte';
import type { IconName } from '../../../components/icons';
import type { MessageView, ServiceName, ServiceView } from '../../../ipc/client';

const icons: Record<ServiceName, IconName> = {
  call: 'call', missed_call: 'call', chat_created: 'users', title_changed: 'pen', photo_changed: 'image', members_joined: 'users', member_left: 'users', migrated: 'users', message_pinned: 'pin',
  topic_changed: 'logs', contact_signed_up: 'user', history_cleared: 'trash', secret_chat: 'lock', other: 'info',
};

export const serviceIcon = (kind: ServiceName): IconName => icons[kind];

/** What a service line tells, in a sentence. */
export function serviceWords(service: ServiceView, ours: boolean): string {
  const { kind, about, seconds } = service;
  switch (kind) {
    case 'call':
      return t(ours ? 'chat.service.callOurs' : 'chat.service.call', { time: f.countdown((seconds ?? 0) * 1000) });
    case 'missed_call':
      return t(ours ? 'chat.service.missedOurs' : 'chat.service.missed');
    case 'title_changed':
    case 'members_joined':
    case 'topic_changed':
    case 'chat_created':
      return about === '' ? t(`chat.service.${kind}`) : t(`chat.service.${kind}To`, { about });
    case 'member_left':
      return about === '' ? t('chat.service.member_left') : t('chat.service.member_leftTo', { about });
    case 'other':
      return about === '' ? t('chat.service.other') : t('chat.service.otherTo', { about });
    default:
      return t(`chat.service.${kind}`);
  }
}

/** A message in a few words, for its name and for what answers it. */
export function summary(message: MessageView): string {
  const text = message.text.trim().replace(/\s+/g, ' ');
  const kind = message.files[0]?.media?.kind;
  if (message.removed) return t('chat.removed');
  if (text !== '') return text.slice(0, 160);
  if (message.chat?.service) return serviceWords(message.chat.service, message.ours);
  if (kind === 'document' || kind === 'audio') return message.files[0]?.name ?? '';
  if (kind) return t(`chat.media.${kind}`);
  const media = message.chat?.media;
  return media && media.kind !== 'web_page' ? t(`chat.media.${media.kind}`) : '';
}

/** Who wrote a message; of whom the data was removed, nothing is known. */
export const authorName = (message: MessageView, chatName: string): string => message.authorName || (message.ours ? t('talk.we') : message.removed ? t('chat.someone') : chatName);

/** `0:42` of a length in milliseconds. */
export const length = (ms: number | null): string => {
  const seconds = Math.round((ms ?? 0) / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
};
