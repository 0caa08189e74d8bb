//! How an attempt begins: program, shell, folder, environment, and what is said where it cannot.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::{block_on, rig_with};
use crate::logic::job::effect::{Launch, Program};
use crate::logic::job::report::{End, Report, StartFailure};

#[test]
fn a_simple_command_does_by_itself_what_the_shell_would_do() {
    block_on(async {
        let mut rig = rig_with(1, &[]);
        let place = rig.dir.path().join("place");
        fs::create_dir(&place).unwrap();
        std::os::unix::fs::symlink(&place, rig.dir.path().join("link")).unwrap();
        for (name, mode) in [("script", 0o755), ("closed", 0o644)] {
            let path = place.join(name);
            fs::write(&path, "echo \"$0 $1\"; exit 3\n").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        }
        let link = rig.dir.path().join("link").display().to_string();
        let texts = ["printenv PWD", "./script a=1", "./closed", "./", "no-such-program x", "false"];
        let pwds = [Some("/"), Some("relative"), Some(&link), None];
        let mut launches = Vec::new();
        for (text, pwd) in texts.iter().flat_map(|text| pwds.map(|pwd| (text, pwd))) {
            for is_simple in [true, false] {
                let mut launch = rig.launch(u32::try_from(launches.len()).unwrap(), text);
                let by_shell: Vec<String> = ["sh", "-e", "-c", text].map(str::to_owned).into();
                let words = text.split(' ').map(str::to_owned).collect();
                launch.program =
                    if is_simple { Program::Simple { words, by_shell } } else { Program::Direct(by_shell) };
                launch.cwd = place.to_str().unwrap().into();
                launch.env.push(("PWD".into(), pwd.map(str::to_owned)));
                launches.push(launch);
            }
        }
        let count = launches.len();
        rig.run(launches);
        let exits = rig.exits(count).await;
        for pair in exits.chunks(2) {
            let logs = [rig.log(pair[0].key.cell), rig.log(pair[1].key.cell)];
            assert_eq!((pair[0].end, &logs[0]), (pair[1].end, &logs[1]), "cell {}", pair[0].key.cell);
        }
        let ends: Vec<End> = exits.iter().step_by(2 * pwds.len()).map(|exit| exit.end).collect();
        assert_eq!(ends, [0, 3, 126, 126, 127, 1].map(End::Code));
        let written = place.canonicalize().unwrap().display().to_string();
        assert_eq!(rig.log(0).trim_end(), written);
        assert_eq!(rig.log(4).trim_end(), link);
        assert_eq!(rig.finish().await, Vec::<String>::new());
    });
}

#[test]
fn functions_of_bash_in_the_environment_are_left_to_the_shell() {
    block_on(async {
        let mut rig = rig_with(1, &[]);
        let mut launches = [rig.launch(0, ""), rig.launch(1, "")];
        for launch in &mut launches {
            let by_shell = ["sh", "-c", "exit 9"].map(str::to_owned).into();
            launch.program = Program::Simple { words: vec!["true".into()], by_shell };
        }
        launches[1].env.push(("BASH_FUNC_true%%".into(), Some("() { false; }".into())));
        rig.run(launches.into());
        let ends: Vec<End> = rig.exits(2).await.iter().map(|exit| exit.end).collect();
        assert_eq!(ends, [End::Code(0), End::Code(9)]);
        assert_eq!(rig.finish().await, Vec::<String>::new());
    });
}

#[test]
fn what_cannot_start_says_why() {
    block_on(async {
        let mut rig = rig_with(1, &[]);
        let mut launches: Vec<Launch> = (0..3).map(|cell| rig.launch(cell, "true")).collect();
        launches[0].program = Program::Direct(vec!["no-such-program".into()]);
        launches[1].cwd = "/no/such/folder".into();
        launches[2].program = Program::Direct(vec!["sh".into(), "-c".into(), "x".repeat(200_000)]);
        rig.run(launches);
        let mut count = 0;
        let reports = rig
            .reports(|_| {
                count += 1;
                count == 3
            })
            .await;
        let whys: Vec<(StartFailure, &str)> = reports
            .iter()
            .map(|report| match report {
                Report::NotStarted { why, message, .. } => (*why, message.as_str()),
                other => unreachable!("{other:?}"),
            })
            .collect();
        assert_eq!(
            whys[0],
            (StartFailure::NoProgram, "the program `no-such-program` was not found in `PATH`")
        );
        assert_eq!(
            whys[1],
            (StartFailure::NoDirectory, "the working directory `/no/such/folder` does not exist")
        );
        assert_eq!(whys[2].0, StartFailure::TooLarge);
        rig.finish().await;
    });
}

#[test]
fn a_shell_in_the_step_s_own_folder_is_found_there_and_nowhere_else() {
    block_on(async {
        let mut rig = rig_with(1, &[]);
        let mut launches: Vec<Launch> = (0..3).map(|cell| rig.launch(cell, "true")).collect();
        for (launch, name) in launches.iter_mut().zip(["a", "b", "c"]) {
            let folder = rig.dir.path().join(name);
            fs::create_dir_all(folder.join("bin")).unwrap();
            if name != "b" {
                let shell = folder.join("bin/bash");
                fs::write(&shell, format!("#!/bin/sh\necho of {name}\n")).unwrap();
                fs::set_permissions(&shell, fs::Permissions::from_mode(0o755)).unwrap();
            }
            launch.cwd = folder.to_str().unwrap().into();
            launch.env = vec![("PATH".to_owned(), Some("bin:/usr/bin:/bin".to_owned()))];
            launch.program = Program::Direct(["bash", "-c", "echo of the system"].map(str::to_owned).into());
        }
        rig.run(launches);
        rig.exits(3).await;
        assert_eq!([0, 1, 2].map(|cell| rig.log(cell)), ["of a\n", "of the system\n", "of c\n"]);
        rig.finish().await;
    });
}

#[test]
fn a_script_without_a_first_line_is_for_the_shell_and_one_with_a_wrong_one_says_so() {
    block_on(async {
        let mut rig = rig_with(1, &[]);
        let place = rig.dir.path().to_owned();
        let mut launches: Vec<Launch> = (0..4).map(|cell| rig.launch(cell, "true")).collect();
        let scripts =
            [("plain", "echo \"plain $1\"", 0o755), ("odd", "#!/no/such\n", 0o755), ("shut", "true", 0o644)];
        for (launch, (name, text, mode)) in launches.iter_mut().zip(scripts) {
            fs::write(place.join(name), text).unwrap();
            fs::set_permissions(place.join(name), fs::Permissions::from_mode(mode)).unwrap();
            launch.cwd = place.to_str().unwrap().into();
            launch.program = Program::Direct(vec![format!("./{name}"), "one two".into()]);
        }
        launches[3].cwd = place.join("plain").to_str().unwrap().into();
        rig.run(launches);
        let reports =
            rig.reports(|report| matches!(report, Report::NotStarted { key, .. } if key.cell == 3)).await;
        let said = |cell: u32| {
            reports.iter().find_map(|report| match report {
                Report::NotStarted { key, message, .. } if key.cell == cell => Some(message.as_str()),
                _ => None,
            })
        };
        assert_eq!(rig.log(0), "plain one two\n");
        assert_eq!(said(1), Some("the interpreter named in the first line of `./odd` does not exist"));
        assert_eq!(said(2), Some("`./shut` may not be executed: it lacks the permission"));
        let folder = place.join("plain");
        let expected = format!("the working directory `{}` is not a directory", folder.display());
        assert_eq!(said(3), Some(expected.as_str()));
        rig.finish().await;
    });
}

#[test]
fn the_environment_is_the_inherited_one_with_differences_and_the_tag() {
    block_on(async {
        let mut rig = rig_with(1, &[]);
        let mut launch = rig.launch(
            3,
            "echo \"[$A][$B][${HOME-none}]\"; echo \"$SORTIE_TAG\" | cut -d, -f1; trap; ls /proc/self/fd",
        );
        let set = |name: &str, value: Option<&str>| (name.to_owned(), value.map(str::to_owned));
        launch.env =
            vec![set("A", Some("1")), set("B", Some("x=y z")), set("A", Some("2")), set("HOME", None)];
        rig.run(vec![launch]);
        rig.exits(1).await;
        assert_eq!(rig.log(3), format!("[2][x=y z][none]\n{}.0.1\n0\n1\n2\n3\n", rig.tag(3)));
        rig.finish().await;
    });
}

#[test]
fn each_attempt_starts_in_its_own_folder() {
    block_on(async {
        let mut rig = rig_with(4, &[]);
        let mut launches = Vec::new();
        for cell in 0..40 {
            let folder = rig.dir.path().join(format!("folder {}", cell % 5));
            fs::create_dir_all(&folder).unwrap();
            let mut launch = rig.launch(cell, "pwd");
            launch.cwd = folder.to_str().unwrap().into();
            launches.push(launch);
        }
        rig.run(launches);
        rig.exits(40).await;
        for cell in 0..40 {
            assert!(rig.log(cell).ends_with(&format!("/folder {}\n", cell % 5)), "{}", rig.log(cell));
        }
        rig.finish().await;
    });
}

#[test]
fn a_script_is_given_as_a_file_that_is_gone_afterwards() {
    block_on(async {
        let mut rig = rig_with(1, &[]);
        let mut launch = rig.launch(0, "");
        let argv = vec!["sh".into(), "-e".into(), "{0}".into()];
        launch.program = Program::Script {
            argv,
            text: "echo \"${0##*.}\"; false; echo no".into(),
            extension: "sh".into(),
        };
        rig.run(vec![launch]);
        assert_eq!(rig.exits(1).await[0].end, End::Code(1));
        assert_eq!(rig.log(0), "sh\n");
        assert_eq!(fs::read_dir(rig.dir.path().join("files")).unwrap().count(), 5);
        rig.finish().await;
    });
}
