//! The system's notices: the freedesktop.org service on Linux, what notify-rust reaches elsewhere.

#[cfg(target_os = "linux")]
pub use linux::{Desktop, has_tray, set_badge};
#[cfg(not(target_os = "linux"))]
pub use other::{Desktop, has_tray, set_badge};

use super::Tag;

/// What a person did with a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "elsewhere nobody tells what became of a notice"))]
pub enum Said {
    /// It may still be shown.
    Clicked(Tag),
    /// A person closed it.
    Dismissed(Tag),
}

#[cfg(target_os = "linux")]
mod linux {
    use std::{collections::HashMap, error::Error, time::Duration};

    use futures_util::StreamExt as _;
    use skrynka_core::profile::APP_ID;
    use tokio::sync::OnceCell;
    use zbus::{
        Connection,
        proxy::{OwnerChangedStream, SignalStream},
        zvariant::Value,
    };

    use super::{
        super::{Shown, Tag, Words},
        Said,
    };

    /// The name that the bundle gives the desktop file, without its ending.
    const DESKTOP_FILE: &str = "Skrynka";
    const ICON: &str = "skrynka";
    /// The action of a click on the notice itself.
    const DEFAULT: &str = "default";
    /// Why a notice is closed: a person did it.
    const DISMISSED: u32 = 2;
    /// Closing waits for no more than this.
    const TRAY_ANSWER: Duration = Duration::from_millis(500);

    /// Opened once: docks forget a badge when the connection that told of it is closed.
    static SESSION: OnceCell<Connection> = OnceCell::const_new();

    async fn session() -> zbus::Result<&'static Connection> {
        SESSION.get_or_try_init(Connection::session).await
    }

    /// Desktop Notifications Specification 1.2.
    #[zbus::proxy(
        interface = "org.freedesktop.Notifications",
        default_service = "org.freedesktop.Notifications",
        default_path = "/org/freedesktop/Notifications"
    )]
    trait Notifications {
        fn get_capabilities(&self) -> zbus::Result<Vec<String>>;
        #[expect(clippy::too_many_arguments, reason = "the specification's own signature")]
        fn notify(
            &self,
            app_name: &str,
            replaces_id: u32,
            app_icon: &str,
            summary: &str,
            body: &str,
            actions: &[&str],
            hints: HashMap<&str, Value<'_>>,
            expire_timeout: i32,
        ) -> zbus::Result<u32>;
        fn close_notification(&self, id: u32) -> zbus::Result<()>;
    }

    struct Bus {
        proxy: NotificationsProxy<'static>,
        /// In one stream, since a click and the closing that follows it must not change places.
        signals: SignalStream<'static>,
        /// Another service took the place of the one whose numbers we know.
        owners: OwnerChangedStream<'static>,
        /// Whether bodies are read as markup, in which case ours is escaped.
        markup: bool,
    }

    /// The notification service of the session. It is looked for when the first notice is shown.
    #[derive(Default)]
    pub struct Desktop {
        bus: Option<Bus>,
        shown: Shown,
    }

    impl Desktop {
        /// Whether a person's answer to a notice is told.
        pub const ANSWERS: bool = true;

        /// Shows a notice in the place of the one with the same tag.
        pub async fn show(&mut self, tag: Tag, words: &Words) -> Result<(), Box<dyn Error + Send + Sync>> {
            if self.bus.is_none() {
                self.bus = Some(Bus::open().await?);
            }
            let Some(bus) = &self.bus else { return Ok(()) };
            let mut hints = HashMap::from([
                ("desktop-entry", Value::from(DESKTOP_FILE)),
                ("category", Value::from("im.received")),
                ("urgency", Value::from(1_u8)),
            ]);
            if words.sound {
                hints.insert("sound-name", Value::from("message-new-instant"));
            } else {
                hints.insert("suppress-sound", Value::from(true));
            }
            let body = if bus.markup { escaped(&words.body) } else { words.body.clone() };
            let replaces = self.shown.id(tag).unwrap_or(0);
            let actions = [DEFAULT, ""];
            let shown = bus.proxy.notify("Skrynka", replaces, ICON, &words.title, &body, &actions, hints, -1).await;
            match shown {
                Ok(id) => {
                    self.shown.ids.insert(tag, id);
                    Ok(())
                }
                Err(error) => {
                    // The next notice looks for the service anew; what this one showed is not known to another.
                    (self.bus, self.shown) = (None, Shown::default());
                    Err(error.into())
                }
            }
        }

        /// Takes a notice back.
        pub async fn withdraw(&mut self, tag: Tag) -> zbus::Result<()> {
            match (self.shown.ids.remove(&tag), &self.bus) {
                (Some(id), Some(bus)) => bus.proxy.close_notification(id).await,
                _ => Ok(()),
            }
        }

        /// Whether a notice with this tag is shown.
        pub fn shows(&self, tag: Tag) -> bool {
            self.shown.id(tag).is_some()
        }

        /// Waits until a person does something with a notice. Cancel-safe.
        pub async fn said(&mut self) -> Said {
            loop {
                let Some(bus) = &mut self.bus else { return std::future::pending().await };
                let signal = tokio::select! {
                    signal = bus.signals.next() => signal,
                    _ = bus.owners.next() => None,
                };
                let Some(signal) = signal else {
                    // The next notice looks for the service anew; what the last one showed is gone with it.
                    (self.bus, self.shown) = (None, Shown::default());
                    continue;
                };
                match Signal::of(&signal) {
                    Some(Signal::Invoked(id, action)) if action == DEFAULT => {
                        if let Some(tag) = self.shown.tag(id) {
                            return Said::Clicked(tag);
                        }
                    }
                    Some(Signal::Closed(id, reason)) => {
                        if let Some(tag) = self.shown.tag(id) {
                            self.shown.ids.remove(&tag);
                            if reason == DISMISSED {
                                return Said::Dismissed(tag);
                            }
                        }
                    }
                    Some(Signal::Invoked(..)) | None => {}
                }
            }
        }
    }

    enum Signal {
        Invoked(u32, String),
        Closed(u32, u32),
    }

    impl Signal {
        fn of(message: &zbus::Message) -> Option<Self> {
            let body = message.body();
            match message.header().member()?.as_str() {
                "ActionInvoked" => body.deserialize().ok().map(|(id, action)| Self::Invoked(id, action)),
                "NotificationClosed" => body.deserialize().ok().map(|(id, reason)| Self::Closed(id, reason)),
                _ => None,
            }
        }
    }

    impl Bus {
        async fn open() -> zbus::Result<Self> {
            let proxy = NotificationsProxy::new(session().await?).await?;
            let signals = proxy.inner().receive_all_signals().await?;
            // The question may start the service, which is no change of it.
            let markup = proxy.get_capabilities().await?.iter().any(|capability| capability == "body-markup");
            let owners = proxy.inner().receive_owner_changed().await?;
            Ok(Self { proxy, signals, owners, markup })
        }
    }

    /// A message must not speak to the service in markup: it could show links and pictures.
    fn escaped(text: &str) -> String {
        text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
    }

    /// Whether the desktop shows tray icons now.
    pub async fn has_tray() -> bool {
        let asked = async {
            let watcher = zbus::Proxy::new(
                session().await?,
                "org.kde.StatusNotifierWatcher",
                "/StatusNotifierWatcher",
                "org.kde.StatusNotifierWatcher",
            );
            watcher.await?.get_property::<bool>("IsStatusNotifierHostRegistered").await
        };
        matches!(tokio::time::timeout(TRAY_ANSWER, asked).await, Ok(Ok(true)))
    }

    /// Puts the count on the program's icon in docks that follow the LauncherEntry signal (KDE, Dash to Dock, Ubuntu).
    pub async fn set_badge(_handle: &tauri::AppHandle, unread: u32) {
        let told = async {
            let properties =
                HashMap::from([("count", Value::from(i64::from(unread))), ("count-visible", Value::from(unread > 0))]);
            let body = (format!("application://{DESKTOP_FILE}.desktop"), properties);
            let path = format!("/{}", APP_ID.replace('.', "/"));
            session().await?.emit_signal(None::<&str>, path, "com.canonical.Unity.LauncherEntry", "Update", &body).await
        };
        if let Err(error) = told.await {
            tracing::debug!(target: "skrynka::events", error = %error, "Badge not set");
        }
    }

    #[cfg(test)]
    mod tests {
        use super::escaped;

        #[test]
        fn a_message_cannot_speak_markup() {
            assert_eq!(escaped("<a href=\"x\">1 & 2</a>"), "&lt;a href=\"x\"&gt;1 &amp; 2&lt;/a&gt;");
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod other {
    use std::error::Error;

    use tauri::Manager as _;

    use super::{
        super::{Shown, Tag, Words},
        Said,
    };
    use crate::window::MAIN;

    /// Notices of Windows and macOS. A click brings the program forward by the system's own way; it is not told here.
    #[derive(Default)]
    pub struct Desktop {
        shown: Shown,
    }

    impl Desktop {
        pub const ANSWERS: bool = false;

        pub async fn show(&mut self, _tag: Tag, words: &Words) -> Result<(), Box<dyn Error + Send + Sync>> {
            let mut notice = notify_rust::Notification::new();
            notice.summary(&words.title).body(&words.body);
            if words.sound {
                notice.sound_name("Default");
            }
            notice.show()?;
            Ok(())
        }

        pub async fn withdraw(&mut self, _tag: Tag) -> Result<(), Box<dyn Error + Send + Sync>> {
            Ok(())
        }

        pub fn shows(&self, tag: Tag) -> bool {
            self.shown.id(tag).is_some()
        }

        pub async fn said(&mut self) -> Said {
            std::future::pending().await
        }
    }

    pub async fn has_tray() -> bool {
        true
    }

    pub async fn set_badge(handle: &tauri::AppHandle, unread: u32) {
        if let Some(window) = handle.get_webview_window(MAIN)
            && let Err(error) = window.set_badge_count((unread > 0).then_some(unread.into()))
        {
            tracing::debug!(target: "skrynka::events", error = %error, "Badge not set");
        }
    }
}
