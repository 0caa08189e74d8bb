//! Random playbooks, and the dice that they and the rest of the property tests are made with.
//!
//! Not here: running them (`property_tests.rs`).

/// A small generator, so that a failure can be repeated from its seed.
#[derive(Clone)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// Returns a number below `sides`.
    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % sides
    }

    /// Says yes once in so many times.
    pub(crate) fn one_in(&mut self, sides: u64) -> bool {
        self.roll(sides) == 0
    }
}

/// What the steps of one stage may hold.
struct Kinds {
    /// Steps that run together, in the background, and undos.
    is_rich: bool,
    /// Names of the background steps so far.
    background: Vec<String>,
    /// The list is one of steps that run together anyway.
    is_parallel: bool,
}

impl Kinds {
    fn random(dice: &mut Dice) -> Self {
        Self { is_rich: dice.one_in(2), background: Vec::new(), is_parallel: false }
    }
}

/// A step that only rich stages have.
fn random_rich(dice: &mut Dice, depth: u32, kinds: &mut Kinds) -> Option<String> {
    if !kinds.is_rich {
        return None;
    }
    let known = usize::try_from(dice.roll(kinds.background.len().max(1) as u64)).unwrap_or(0);
    let named = kinds.background.get(known).cloned();
    let undo = match dice.roll(4) {
        0 => ", undo: { run: u, retry: { attempts: 2, backoff: { first: 1s } } }",
        1 => ", undo: { run: u, timeout: 6s }",
        _ => ", undo: { run: u }",
    };
    Some(match (dice.roll(14), named) {
        (0 | 1, _) if depth < 2 => {
            let was_parallel = std::mem::replace(&mut kinds.is_parallel, true);
            let members = random_steps(dice, depth + 1, kinds);
            kinds.is_parallel = was_parallel;
            let how = ["", ", fail-fast: false", ", timeout: 9s", ", retry: { attempts: 2 }"];
            let how = how[usize::try_from(dice.roll(4)).unwrap_or(0)];
            format!("{{ parallel: {members}{how} }}")
        }
        (2..=4, _) if !kinds.is_parallel => {
            let name = format!("b{}", dice.0 % 1_000_000_007);
            let retry = ", retry: { attempts: 2, backoff: { first: 2s } }";
            let how = ["", retry, ", timeout: 5s", undo, ", on-interrupt: resume", ", on-interrupt: ask"];
            let how = how[usize::try_from(dice.roll(6)).unwrap_or(0)];
            kinds.background.push(name.clone());
            format!("{{ id: {name}, run: b, background: true{how} }}")
        }
        (5, Some(name)) => format!("{{ wait: {name} }}"),
        (6, Some(name)) => format!("{{ wait: [{name}], timeout: 3s }}"),
        (7, Some(name)) => format!("{{ cancel: {name} }}"),
        (8, _) => "{ wait-all: true }".to_owned(),
        (9, _) => format!("{{ rollback: true{} }}", if dice.one_in(2) { ", if: always()" } else { "" }),
        (10..=12, _) => format!("{{ run: x{undo} }}"),
        _ => return None,
    })
}

fn random_steps(dice: &mut Dice, depth: u32, kinds: &mut Kinds) -> String {
    let n = 1 + dice.roll(3 + u64::from(kinds.is_rich));
    let steps: Vec<String> = (0..n)
        .map(|_| {
            if let Some(step) = random_rich(dice, depth, kinds) {
                return step;
            }
            if depth < 2 && dice.one_in(5) {
                let was_parallel = std::mem::replace(&mut kinds.is_parallel, false);
                let mut part =
                    |dice: &mut Dice, name: &str| format!("{name}: {}", random_steps(dice, depth + 1, kinds));
                let mut parts = vec![part(dice, "block")];
                if dice.one_in(2) {
                    parts.push(part(dice, "rescue"));
                }
                if dice.one_in(2) {
                    parts.push(part(dice, "always"));
                }
                kinds.is_parallel = was_parallel;
                if dice.one_in(6) {
                    parts.push("retry: { attempts: 2, backoff: { first: 2s } }".to_owned());
                }
                if dice.one_in(5) {
                    parts.push("timeout: 20s".to_owned());
                }
                return format!("{{ {} }}", parts.join(", "));
            }
            if dice.one_in(9) {
                return format!("{{ {} }}", random_gate(dice, true));
            }
            let mut keys = vec!["run: x".to_owned()];
            match dice.roll(8) {
                0 => keys.push(
                    "retry: { attempts: 3, on: [failure, timeout, interrupted], backoff: { first: 2s } }"
                        .to_owned(),
                ),
                1 => keys.push("timeout: 7s".to_owned()),
                2 => keys.push("if: always()".to_owned()),
                3 => keys.push("if: failure()".to_owned()),
                4 => keys.push("continue-on-error: true".to_owned()),
                _ => {}
            }
            match dice.roll(6) {
                0 => keys.push("on-interrupt: rerun".to_owned()),
                1 => keys.push("idempotent: true".to_owned()),
                2 => keys.push("on-interrupt: ask".to_owned()),
                _ => {}
            }
            format!("{{ {} }}", keys.join(", "))
        })
        .collect();
    format!("[{}]", steps.join(", "))
}

fn random_gate(dice: &mut Dice, in_step: bool) -> String {
    let mut keys = vec![format!("count: {}", 1 + dice.roll(2))];
    if dice.one_in(3) {
        let word = ["reject", "approve", "skip"][usize::try_from(dice.roll(3)).unwrap_or(0)];
        keys.push(format!("timeout: {}s, on-timeout: {word}", 1 + dice.roll(20)));
    }
    if dice.one_in(4) {
        keys.push(format!("remind: {}s", 1 + dice.roll(9)));
    }
    if in_step && dice.one_in(3) {
        keys.push("hold: true".to_owned());
    }
    format!("approve: {{ {} }}", keys.join(", "))
}

/// Returns the text of a playbook; one in twelve calls others, which may call a third.
pub(crate) fn random_playbook(dice: &mut Dice) -> String {
    // Dice of their own, so that the other playbooks stay as they were.
    let mut calls = Dice(dice.0 ^ 0x27d4_eb2f);
    calls.roll(2);
    let text = random_file(dice, None);
    if !calls.one_in(12) {
        return text;
    }
    let inner = random_file(&mut calls, Some("call"));
    let second = random_file(&mut calls, Some("call"));
    let second = random_calls(&mut calls, &second, "./inner.yml");
    let text = random_calls(&mut calls, &text, "./second.yml");
    format!("{text}\n# file: second.yml\n{second}\n# file: inner.yml\n{inner}")
}

/// Lets some stages of a playbook call a file instead of having steps.
fn random_calls(dice: &mut Dice, text: &str, path: &str) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let stages: Vec<usize> = (0..lines.len()).filter(|&at| lines[at].starts_with("  s")).collect();
    let most = stages.len() as u64;
    for _ in 0..2 {
        let at = stages[usize::try_from(dice.roll(most)).unwrap_or(0)];
        let name = lines[at].split(':').next().unwrap_or_default().to_owned();
        let needs = lines[at].split("needs: [").nth(1).and_then(|rest| rest.split(']').next());
        let needs = needs.map_or_else(String::new, |needs| format!("needs: [{needs}], "));
        let how = [
            "",
            "matrix: { m: [1, 2] }, ",
            "strategy: { fail-fast: false, max-parallel: 1, matrix: { m: [1, 2] } }, ",
            "timeout: 20s, ",
            "if: always(), ",
            "continue-on-error: true, ",
        ];
        let how = how[usize::try_from(dice.roll(6)).unwrap_or(0)];
        lines[at] = format!("{name}: {{ {needs}{how}uses: {path} }}");
    }
    lines.join("\n")
}

/// Returns the text of one file; `on` says what it is for.
fn random_file(dice: &mut Dice, on: Option<&str>) -> String {
    // One in three is large and plain, so that much is submitted before there is a slot for it.
    let is_plain = dice.one_in(3);
    // Half of these are mostly one chain, so that one stage is submitted behind another that is itself submitted.
    let is_chain = is_plain && dice.one_in(2);
    let n = if is_chain {
        8 + dice.roll(10)
    } else if is_plain {
        4 + dice.roll(8)
    } else {
        1 + dice.roll(6)
    };
    let mut text = String::from("version: 3\nname: t\ndefaults: { cancel: { grace: 5s } }\n");
    if dice.one_in(6) {
        text.push_str("policy: { timeout: 60s }\n");
    }
    if let Some(on) = on {
        text.push_str(&format!("on: {on}\n"));
    } else if Dice(dice.0 ^ 0x1b87_3593).one_in(8) {
        text.push_str("concurrency: j\n");
    }
    text.push_str("stages:\n");
    for at in 0..n {
        let mut keys = Vec::new();
        let sides = if is_plain { 5 } else { 2 };
        let is_link = is_chain && at > 0 && !dice.one_in(5);
        let needs: Vec<String> = (0..at)
            .filter(|need| if is_link { need + 1 == at } else { dice.one_in(sides) })
            .map(|need| format!("s{need}"))
            .collect();
        if !needs.is_empty() {
            keys.push(format!("needs: [{}]", needs.join(", ")));
        }
        match dice.roll(if is_chain {
            60
        } else if is_plain {
            18
        } else {
            9
        }) {
            0 => keys.push("matrix: { n: [1, 2, 3] }".to_owned()),
            1 => {
                keys.push("strategy: { fail-fast: false, max-parallel: 1, matrix: { n: [1, 2] } }".to_owned())
            }
            2 => keys.push("timeout: 15s".to_owned()),
            3 => keys.push("retry: { attempts: 2, on: [failure], backoff: { first: 3s } }".to_owned()),
            4 if at > 0 => keys.push("run-when: all-done".to_owned()),
            5 => keys.push("if: always()".to_owned()),
            _ => {}
        }
        if !is_plain && dice.one_in(5) {
            keys.push(random_gate(dice, false));
        }
        keys.extend(random_shares(dice, is_plain));
        if is_plain {
            keys.push("run: x".to_owned());
        } else {
            keys.push(format!("priority: {}", dice.roll(3)));
            let mut kinds = Kinds::random(dice);
            keys.push(format!("steps: {}", random_steps(dice, 0, &mut kinds)));
            keys.extend(random_services(dice));
            if kinds.is_rich && dice.one_in(2) {
                keys.push("rollback: on-failure".to_owned());
            }
        }
        let stage = keys.join(", ");
        let stage = random_cache(dice, is_plain, stage);
        text.push_str(&format!("  s{at}: {{ {stage} }}\n"));
    }
    if dice.one_in(3) {
        let mut kinds = Kinds::random(dice);
        text.push_str(&format!("finally:\n  z: {{ steps: {} }}\n", random_steps(dice, 1, &mut kinds)));
    }
    text
}

/// Caches a stage, or its steps, where that can be; by dice of its own.
fn random_cache(dice: &Dice, is_plain: bool, stage: String) -> String {
    let mut dice = Dice(dice.0 ^ 0x2545_f491);
    dice.roll(2);
    if ["approve", "background", "undo", "rollback", "services"].iter().any(|word| stage.contains(word)) {
        return stage;
    }
    match dice.roll(if is_plain { 60 } else { 7 }) {
        0 | 1 => format!("{stage}, cache: {{ inputs: [] }}"),
        2 if is_plain => stage.replace("run: x", "steps: [{ run: x, cache: { inputs: [] } }]"),
        2 => stage.replace("{ run: x", "{ cache: { inputs: [] }, run: x"),
        _ => stage,
    }
}

/// What a stage shares, by dice of its own, so that the rest of the playbook stays as it was.
fn random_shares(dice: &Dice, is_plain: bool) -> Option<String> {
    let mut dice = Dice(dice.0 ^ 0x5bd1_e995);
    dice.roll(2);
    let shares = match dice.roll(if is_plain { 60 } else { 12 }) {
        0 => "locks: [l]",
        1 => "locks: [{ name: l, mode: shared }, m]",
        2 => "locks: [{ name: m, wait: 9s }]",
        3 => "concurrency: { group: g, queue: single }",
        4 => "locks: [l], resources: { custom: { gpu: 1 } }",
        5 => "resources: { custom: { gpu: 2 } }",
        _ => return None,
    };
    Some(shares.to_owned())
}

/// What runs beside the steps of a stage, by dice of its own, so that the rest of the playbook stays as it was.
fn random_services(dice: &Dice) -> Option<String> {
    let mut dice = Dice(dice.0 ^ 0x27d4_eb2f);
    dice.roll(2);
    let services = match dice.roll(12) {
        0 => "{ a: { process: x } }",
        1 => "{ a: { process: x, ready: { run: t } }, b: { process: y, ports: [1] } }",
        2 => {
            "{ a: { process: x, ports: [1, 2], ready: { tcp: '127.0.0.1:1' } }, b: { process: { run: y, stop: z } } }"
        }
        _ => return None,
    };
    Some(format!("services: {services}"))
}
