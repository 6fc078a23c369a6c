//! A card's vital product data: which board it is (PCI Local Bus 3.0, appendix I).

/// As long as it can be: addresses have 15 bits.
pub(super) const LARGEST: u64 = 0x8000;

const READ_ONLY: u8 = 0x90;
const END: u8 = 0x78;

/// The serial number, keyword `SN` of the read-only part.
///
/// # Errors
/// With what is wrong, when there is none that a person could read.
pub(super) fn serial(bytes: &[u8]) -> Result<String, &'static str> {
    let read_only = read_only(bytes)?;
    let value = keyword(read_only, *b"SN")?;
    let text = std::str::from_utf8(value).unwrap_or_default();
    let text = text.trim_matches(|c| c == ' ' || c == '\0');
    let is_serial = !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic() || c == ' ');
    if is_serial { Ok(text.to_owned()) } else { Err("its serial number is no text") }
}

/// What is in the resource of read-only fields.
fn read_only(mut bytes: &[u8]) -> Result<&[u8], &'static str> {
    loop {
        // A large resource has its length in two bytes, a small one in three bits.
        let (tag, length, rest) = match bytes {
            [END, ..] => return Err("it has no read-only part"),
            [tag, low, high, rest @ ..] if tag & 0x80 != 0 => {
                (*tag, usize::from(u16::from_le_bytes([*low, *high])), rest)
            }
            [tag, rest @ ..] if tag & 0x80 == 0 => (*tag, usize::from(tag & 7), rest),
            _ => return Err("it ends too early"),
        };
        let (content, after) = rest.split_at_checked(length).ok_or("it ends too early")?;
        if tag == READ_ONLY {
            return Ok(content);
        }
        bytes = after;
    }
}

/// A field: two letters, one byte of length, the value.
fn keyword(mut fields: &[u8], wanted: [u8; 2]) -> Result<&[u8], &'static str> {
    while let [a, b, length, rest @ ..] = fields {
        let (value, after) = rest.split_at_checked(usize::from(*length)).ok_or("it ends too early")?;
        if [*a, *b] == wanted {
            return Ok(value);
        }
        fields = after;
    }
    Err("it has no serial number")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vpd(fields: &[u8]) -> Vec<u8> {
        let length = u8::try_from(fields.len()).expect("short");
        [b"\x82\x04\x00BF-2".as_slice(), &[READ_ONLY, length, 0], fields, &[END]].concat()
    }

    #[test]
    fn a_serial_is_found_behind_other_fields() {
        let bytes = vpd(b"PN\x03ABCSN\x10MT2314XZ00YA    RV\x01\x00");
        assert_eq!(serial(&bytes), Ok("MT2314XZ00YA".to_owned()));
        // A small resource of one byte before it.
        assert_eq!(serial(&[&[0x09, 0xff], bytes.as_slice()].concat()), Ok("MT2314XZ00YA".to_owned()));
    }

    #[test]
    fn garbled_data_has_no_serial() {
        let whole = vpd(b"PN\x03ABCSN\x04MT23");
        let end = whole.len() - 1;
        for short in 0..end {
            assert_eq!(serial(&whole[..short]), Err("it ends too early"), "{short} bytes");
        }
        assert_eq!(serial(&vpd(b"PN\x03ABC")), Err("it has no serial number"));
        assert_eq!(serial(&vpd(b"SN\x20MT23")), Err("it ends too early"));
        assert_eq!(serial(&vpd(b"SN\x02\x1b[")), Err("its serial number is no text"));
        assert_eq!(serial(&vpd(b"SN\x00")), Err("its serial number is no text"));
        assert_eq!(serial(&[END]), Err("it has no read-only part"));
        assert_eq!(serial(&vec![0xff; 0x8000]), Err("it ends too early"));
        // Resources without content: each byte is one, and the walk ends.
        assert_eq!(serial(&vec![0; 0x8000]), Err("it ends too early"));
    }
}
