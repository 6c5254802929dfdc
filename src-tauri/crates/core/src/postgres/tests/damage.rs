//! Data that are not whole, not ours or not ours to use: named, refused and left untouched.

use super::*;

#[tokio::test]
async fn a_folder_without_its_version_is_called_damaged() {
    let profile = Profile::with_rows(10).await;
    let version = profile.data().join("PG_VERSION");
    std::fs::rename(&version, profile.path().join("aside")).unwrap();
    let refused = error_of(profile.start().await);
    assert!(matches!(&refused, PostgresError::Damaged { reason, .. } if reason.contains("PG_VERSION")), "{refused:?}");

    std::fs::rename(profile.path().join("aside"), &version).unwrap();
    assert_whole(&profile).await;
}

#[tokio::test]
async fn data_of_another_major_version_are_refused_by_name() {
    let profile = Profile::with_rows(10).await;
    let version = profile.data().join("PG_VERSION");
    let before = std::fs::read_to_string(&version).unwrap();
    std::fs::write(&version, "14\n").unwrap();
    let refused = error_of(profile.start().await);
    assert!(
        matches!(&refused, PostgresError::OtherMajorVersion { found, expected: 18, .. } if found == "14"),
        "{refused:?}"
    );

    std::fs::write(&version, before).unwrap();
    assert_whole(&profile).await;
}

#[tokio::test]
async fn a_data_folder_that_is_gone_is_not_silently_replaced_by_an_empty_one() {
    let profile = Profile::with_rows(10).await;
    let aside = profile.path().join("aside");
    std::fs::rename(profile.data(), &aside).unwrap();
    let refused = error_of(profile.start().await);
    assert!(matches!(&refused, PostgresError::Damaged { reason, .. } if reason.contains("gone")), "{refused:?}");
    assert!(!profile.data().exists());

    std::fs::rename(aside, profile.data()).unwrap();
    assert_whole(&profile).await;
}

#[tokio::test]
async fn a_broken_control_file_gives_the_servers_own_words() {
    let profile = Profile::with_rows(10).await;
    let control = profile.data().join("global/pg_control");
    let before = std::fs::read(&control).unwrap();
    std::fs::write(&control, vec![0_u8; before.len()]).unwrap();
    let refused = error_of(profile.start().await);
    assert!(matches!(&refused, PostgresError::Damaged { reason, .. } if reason.contains("FATAL")), "{refused:?}");

    std::fs::write(&control, before).unwrap();
    assert_whole(&profile).await;
}

#[tokio::test]
async fn data_of_another_user_are_left_alone() {
    if !rustix::process::geteuid().is_root() {
        // Only root can give a folder away; everyone else is stopped by the system itself.
        return;
    }
    let profile = Profile::with_rows(10).await;
    let owner = std::fs::metadata(profile.data()).unwrap().uid();
    std::os::unix::fs::chown(profile.data(), Some(12_345), None).unwrap();
    let refused = error_of(profile.start().await);
    assert!(matches!(refused, PostgresError::OwnedByOther { owner: 12_345, .. }), "{refused:?}");

    std::os::unix::fs::chown(profile.data(), Some(owner), None).unwrap();
    assert_whole(&profile).await;
}

async fn assert_whole(profile: &Profile) {
    let cluster = profile.start().await.unwrap();
    assert_eq!(rows(&cluster).await, all(10));
    cluster.stop().await.unwrap();
}
