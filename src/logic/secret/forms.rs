//! The forms in which programs commonly print a value: as it is, line by line, base64, hexadecimal, URL, JSON, XML.

use std::collections::BTreeSet;

use super::SHORTEST;

/// The shortest encoded form that is looked for, in bytes: shorter ones occur in any text.
const SHORTEST_FORM: usize = 4;

/// Adds every form of a value, and of each of its lines.
pub(super) fn add_value(value: &str, forms: &mut BTreeSet<Vec<u8>>) {
    let trimmed = value.trim();
    if trimmed.len() < SHORTEST {
        return;
    }
    add_forms(trimmed, forms);
    if trimmed.len() != value.len() {
        add_forms(value, forms);
    }
    if trimmed.contains('\n') {
        for line in trimmed.lines().map(str::trim).filter(|line| line.len() >= SHORTEST) {
            add_forms(line, forms);
        }
        // A terminal or a Windows program turns the line breaks of a value around.
        add_forms(&trimmed.replace('\n', "\r\n"), forms);
    }
}

fn add_forms(value: &str, forms: &mut BTreeSet<Vec<u8>>) {
    forms.insert(value.as_bytes().to_vec());
    let mut encoded = Vec::new();
    base64_forms(value.as_bytes(), &mut encoded);
    url_forms(value.as_bytes(), &mut encoded);
    json_forms(value, &mut encoded);
    encoded.push(xml_form(value));
    if value.len() >= SHORTEST_FORM {
        encoded.push(hex(value.as_bytes(), b"0123456789abcdef"));
        encoded.push(hex(value.as_bytes(), b"0123456789ABCDEF"));
    }
    forms.extend(encoded.into_iter().filter(|form| form.len() >= SHORTEST_FORM));
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Base64 text of `bytes` without padding.
pub(super) fn base64(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let word =
            group.iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for place in 0..=group.len() {
            let index = word >> (18 - 6 * place) & 63;
            out.push(BASE64[index as usize]);
        }
    }
    out
}

fn base64_forms(bytes: &[u8], forms: &mut Vec<Vec<u8>>) {
    let alone = base64(bytes);
    // `base64` wraps at 76 columns, `openssl` at 64: what stands on one line is looked for by itself.
    for width in [64, 76] {
        if alone.len() > width {
            forms.extend(alone.chunks(width).filter(|piece| piece.len() >= 8).map(<[u8]>::to_vec));
        }
    }
    forms.push(alone);
    for shift in 0..3 {
        let mut shifted = vec![0; shift];
        shifted.extend_from_slice(bytes);
        let text = base64(&shifted);
        // Only the characters that no neighbour has a bit in.
        let from = (8 * shift).div_ceil(6);
        let to = 8 * (shift + bytes.len()) / 6;
        forms.push(text[from.min(to)..to].to_vec());
    }
    let other: Vec<Vec<u8>> = forms
        .iter()
        .filter(|form| form.iter().any(|byte| matches!(byte, b'+' | b'/')))
        .map(|form| {
            form.iter()
                .map(|byte| match byte {
                    b'+' => b'-',
                    b'/' => b'_',
                    other => *other,
                })
                .collect()
        })
        .collect();
    forms.extend(other);
}

fn hex(bytes: &[u8], digits: &[u8; 16]) -> Vec<u8> {
    bytes.iter().flat_map(|byte| [digits[usize::from(byte >> 4)], digits[usize::from(byte & 15)]]).collect()
}

fn url_forms(bytes: &[u8], forms: &mut Vec<Vec<u8>>) {
    for digits in [b"0123456789ABCDEF", b"0123456789abcdef"] {
        for (space, keep) in
            [(&b"%20"[..], &b"-_.~"[..]), (b"+", b"-_.*"), (b"%20", b"-_.~/"), (b"%20", b"-_.!~*'()")]
        {
            let mut out = Vec::with_capacity(bytes.len() * 2);
            for byte in bytes {
                if byte.is_ascii_alphanumeric() || keep.contains(byte) {
                    out.push(*byte);
                } else if *byte == b' ' {
                    out.extend_from_slice(space);
                } else {
                    out.push(b'%');
                    out.extend_from_slice(&hex(&[*byte], digits));
                }
            }
            forms.push(out);
        }
    }
}

fn json_forms(value: &str, forms: &mut Vec<Vec<u8>>) {
    // One escape per character, with and without the optional ones.
    for (slash, ascii) in [(false, false), (true, false), (false, true), (true, true)] {
        let mut out = String::with_capacity(value.len() + 8);
        for ch in value.chars() {
            match ch {
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                '\u{8}' => out.push_str("\\b"),
                '\u{c}' => out.push_str("\\f"),
                '/' if slash => out.push_str("\\/"),
                ch if (ch as u32) < 0x20 || (ascii && !ch.is_ascii()) => {
                    for unit in ch.encode_utf16(&mut [0; 2]) {
                        out.push_str(&format!("\\u{unit:04x}"));
                    }
                }
                ch => out.push(ch),
            }
        }
        forms.push(out.into_bytes());
    }
}

fn xml_form(value: &str) -> Vec<u8> {
    let mut out = String::with_capacity(value.len() + 8);
    for ch in value.chars() {
        match ch {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            ch => out.push(ch),
        }
    }
    out.into_bytes()
}
