//! `templates`: texts that are written again and again.

use super::{Store, StoreError};
use crate::model::TemplateId;

/// A template as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredTemplate {
    /// Its key.
    pub id: TemplateId,
    /// What it is called; never empty.
    pub name: String,
    /// What is typed after a slash to get it, in lower case.
    pub shortcut: Option<String>,
    /// The text, with variables such as `{name}` as they were written; never empty.
    pub body: String,
}

/// What a template is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TemplateDraft<'a> {
    /// What it is called; not empty.
    pub name: &'a str,
    /// What is typed after a slash to get it.
    pub shortcut: Option<&'a str>,
    /// The text; not empty.
    pub body: &'a str,
}

impl Store {
    /// Returns every template, the oldest first. By name they are sorted where the language is known.
    pub async fn templates(&self) -> Result<Vec<StoredTemplate>, StoreError> {
        let rows =
            sqlx::query!("SELECT id, name, shortcut, body FROM templates ORDER BY id").fetch_all(&self.pool).await?;
        let stored = rows.into_iter().map(|row| StoredTemplate {
            id: TemplateId(row.id),
            name: row.name,
            shortcut: row.shortcut,
            body: row.body,
        });
        Ok(stored.collect())
    }

    /// Stores a template in place of what stood under this key before. A shortcut that another one has is
    /// [`StoreError::ShortcutTaken`].
    pub async fn save_template(&self, id: TemplateId, template: TemplateDraft<'_>) -> Result<(), StoreError> {
        sqlx::query!(
            "INSERT INTO templates (id, name, shortcut, body) VALUES ($1, $2, lower($3), $4)
             ON CONFLICT (id) DO UPDATE SET name = excluded.name, shortcut = excluded.shortcut, body = excluded.body,
                 changed_at = clock_timestamp()",
            id.0,
            template.name,
            template.shortcut,
            template.body
        )
        .execute(&self.pool)
        .await
        .map_err(|error| {
            let constraint = error.as_database_error().and_then(sqlx::error::DatabaseError::constraint);
            match (constraint, template.shortcut) {
                (Some("templates_shortcut"), Some(shortcut)) => StoreError::ShortcutTaken(shortcut.to_owned()),
                _ => error.into(),
            }
        })?;
        Ok(())
    }

    /// Removes a template; one that is not there any more is as good as removed.
    pub async fn remove_template(&self, id: TemplateId) -> Result<(), StoreError> {
        sqlx::query!("DELETE FROM templates WHERE id = $1", id.0).execute(&self.pool).await?;
        Ok(())
    }
}
