//! The icon in the tray: unread count, and a menu with what is wanted without the window.

use std::{panic::AssertUnwindSafe, sync::Arc};

use skrynka_core::profile::Settings;
use tauri::{
    AppHandle, Manager as _,
    image::Image,
    menu::{CheckMenuItem, Menu, MenuItem, PredefinedMenuItem},
    tray::{MouseButton, TrayIconBuilder, TrayIconEvent},
};

use crate::{desk::Desk, window::bring_to_front, words::Language};

const OPEN: &str = "open";
const QUIET: &str = "do_not_disturb";
const QUIT: &str = "quit";

const PICTURE: Image<'_> = tauri::include_image!("icons/128x128.png");
/// The badge on a picture of 128 pixels.
const BADGE: Badge = Badge { height: 76, pixel: 8, ring: 7, colour: [0xC8, 0x2A, 0x2A, 0xFF] };

/// The picture's file is named after it: that of another window, on another profile, is another one.
fn id() -> String {
    format!("skrynka-{}", std::process::id())
}

/// Puts the icon into the tray. A system without a tray, or without the library for it, goes without.
pub fn build(handle: &AppHandle) -> bool {
    // The library behind the tray is loaded when it is first used, and its absence is a panic.
    let built = std::panic::catch_unwind(AssertUnwindSafe(|| {
        let menu = menu(handle, &Settings::default())?;
        TrayIconBuilder::with_id(id())
            .icon(picture(0))
            .menu(&menu)
            .show_menu_on_left_click(false)
            .on_menu_event(|handle, event| chosen(handle, event.id().as_ref()))
            .on_tray_icon_event(|tray, event| {
                if matches!(event, TrayIconEvent::Click { button: MouseButton::Left, .. }) {
                    bring_to_front(tray.app_handle());
                }
            })
            .build(handle)
    }));
    match built {
        Ok(Ok(_)) => return true,
        Ok(Err(error)) => tracing::warn!(target: "skrynka::app", error = %error, "No icon in the tray"),
        Err(_) => tracing::warn!(target: "skrynka::app", "No icon in the tray: its library is missing"),
    }
    false
}

/// Shows the unread count, and the menu as the settings have it where they are not as `before`: a new menu closes the
/// one that is open. Waits for nothing: at the end nobody would answer.
pub fn show(handle: &AppHandle, unread: u32, settings: &Settings, before: Option<&Settings>) {
    let said = |settings: &Settings| (Language::of(settings), settings.notices.do_not_disturb);
    let is_same = before.is_some_and(|before| said(before) == said(settings));
    let (asked, settings) = (handle.clone(), settings.clone());
    let sent = handle.run_on_main_thread(move || match change(&asked, unread, &settings, is_same) {
        Ok(()) => tracing::debug!(target: "skrynka::events", unread, "Tray shown"),
        Err(error) => tracing::warn!(target: "skrynka::app", error = %error, "Tray not changed"),
    });
    if let Err(error) = sent {
        tracing::debug!(target: "skrynka::app", error = %error, "Tray not changed");
    }
}

fn change(handle: &AppHandle, unread: u32, settings: &Settings, has_menu: bool) -> tauri::Result<()> {
    let Some(tray) = handle.tray_by_id(&id()) else { return Ok(()) };
    let language = Language::of(settings);
    let tooltip = if unread > 0 { language.unread(unread) } else { language.app().to_owned() };
    tray.set_icon(Some(picture(unread)))?;
    tray.set_tooltip(Some(tooltip))?;
    if has_menu { Ok(()) } else { tray.set_menu(Some(menu(handle, settings)?)) }
}

fn menu(handle: &AppHandle, settings: &Settings) -> tauri::Result<Menu<tauri::Wry>> {
    let language = Language::of(settings);
    let quiet = settings.notices.do_not_disturb;
    Menu::with_items(
        handle,
        &[
            &MenuItem::with_id(handle, OPEN, language.open(), true, None::<&str>)?,
            &CheckMenuItem::with_id(handle, QUIET, language.do_not_disturb(), true, quiet, None::<&str>)?,
            &PredefinedMenuItem::separator(handle)?,
            &MenuItem::with_id(handle, QUIT, language.quit(), true, None::<&str>)?,
        ],
    )
}

fn chosen(handle: &AppHandle, item: &str) {
    match item {
        OPEN => bring_to_front(handle),
        QUIET => {
            let desk = handle.state::<Arc<Desk>>();
            let changed = desk.change_settings(|settings| {
                settings.notices.do_not_disturb = !settings.notices.do_not_disturb;
            });
            if let Err(error) = changed {
                tracing::warn!(target: "skrynka::app", error = error.detail, "Do not disturb not kept");
            }
        }
        QUIT => handle.exit(0),
        _ => {}
    }
}

/// The program's icon with the count on it; beyond 99 it stays there.
fn picture(unread: u32) -> Image<'static> {
    let mut rgba = PICTURE.rgba().to_vec();
    let (width, height) = (PICTURE.width(), PICTURE.height());
    if unread > 0 {
        BADGE.draw(&mut rgba, width as usize, height as usize, &unread.min(99).to_string());
    }
    Image::new_owned(rgba, width, height)
}

/// A pill with digits in the lower right corner, with a clear ring around it.
struct Badge {
    height: usize,
    /// The edge of one dot of a digit.
    pixel: usize,
    ring: usize,
    colour: [u8; 4],
}

impl Badge {
    fn draw(&self, rgba: &mut [u8], width: usize, height: usize, digits: &str) {
        let columns = digits.len() * 6 - 1;
        let pill = (columns * self.pixel + self.height / 2).max(self.height);
        let (left, top) = (width.saturating_sub(pill), height.saturating_sub(self.height));
        let radius = self.height / 2;
        for y in 0..height {
            for x in 0..width {
                // How far it is from the line through the pill's middle.
                let middle_y = top + radius;
                let nearest_x = x.clamp(left + radius, (width - radius).max(left + radius));
                let (dx, dy) = (x.abs_diff(nearest_x), y.abs_diff(middle_y));
                let far = dx * dx + dy * dy;
                let colour = if far <= radius * radius {
                    self.colour
                } else if far <= (radius + self.ring) * (radius + self.ring) {
                    [0; 4]
                } else {
                    continue;
                };
                put(rgba, width, x, y, colour);
            }
        }
        let start_x = left + (pill - columns * self.pixel) / 2;
        let start_y = top + (self.height - 7 * self.pixel) / 2;
        for (place, digit) in digits.bytes().enumerate() {
            let Some(rows) = DIGITS.get(usize::from(digit.wrapping_sub(b'0'))) else { continue };
            for (row, bits) in rows.iter().enumerate() {
                for column in (0..5).filter(|column| bits & (0b1_0000 >> column) != 0) {
                    for dot in 0..self.pixel * self.pixel {
                        let x = start_x + (place * 6 + column) * self.pixel + dot % self.pixel;
                        let y = start_y + row * self.pixel + dot / self.pixel;
                        put(rgba, width, x, y, [0xFF; 4]);
                    }
                }
            }
        }
    }
}

fn put(rgba: &mut [u8], width: usize, x: usize, y: usize, colour: [u8; 4]) {
    let at = (y * width + x) * 4;
    if let Some(pixel) = rgba.get_mut(at..at + 4).filter(|_| x < width) {
        pixel.copy_from_slice(&colour);
    }
}

/// Ten digits of five by seven dots.
#[rustfmt::skip] // One digit a line.
const DIGITS: [[u8; 7]; 10] = [
    [0b01110, 0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b01110],
    [0b00100, 0b01100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110],
    [0b01110, 0b10001, 0b00001, 0b00110, 0b01000, 0b10000, 0b11111],
    [0b11110, 0b00001, 0b00001, 0b01110, 0b00001, 0b00001, 0b11110],
    [0b00010, 0b00110, 0b01010, 0b10010, 0b11111, 0b00010, 0b00010],
    [0b11111, 0b10000, 0b11110, 0b00001, 0b00001, 0b10001, 0b01110],
    [0b00110, 0b01000, 0b10000, 0b11110, 0b10001, 0b10001, 0b01110],
    [0b11111, 0b00001, 0b00010, 0b00100, 0b01000, 0b01000, 0b01000],
    [0b01110, 0b10001, 0b10001, 0b01110, 0b10001, 0b10001, 0b01110],
    [0b01110, 0b10001, 0b10001, 0b01111, 0b00001, 0b00010, 0b01100],
];

#[cfg(test)]
mod tests {
    use super::picture;

    #[test]
    fn a_count_is_drawn_within_the_icon_and_told_apart() {
        let shown: Vec<Vec<u8>> = [0, 1, 9, 10, 99, 100].into_iter().map(|n| picture(n).rgba().to_vec()).collect();
        assert!(shown.iter().all(|rgba| rgba.len() == 128 * 128 * 4));
        assert!(shown.windows(2).take(4).all(|pair| pair[0] != pair[1]));
        assert_eq!(shown[4], shown[5], "beyond 99 it stays there");
    }
}
