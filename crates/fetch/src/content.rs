//! The bytes of a picture, compared with what the site says of them.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use md5::{Digest, Md5};

use crate::page::Post;

const BUFFER: usize = 64 << 10;

/// What is known of bytes that are read or written piece by piece.
#[derive(Default)]
pub struct Content {
    size: u64,
    md5: Md5,
    /// The first byte that is no white space.
    first: Option<u8>,
}

impl Content {
    pub fn add(&mut self, bytes: &[u8]) {
        self.size += bytes.len() as u64;
        self.md5.update(bytes);
        if self.first.is_none() {
            self.first = bytes
                .iter()
                .copied()
                .find(|byte| !byte.is_ascii_whitespace());
        }
    }

    /// Returns the md5 of the bytes. The error says in what they are not those of the post.
    pub fn check(self, post: &Post) -> Result<String, String> {
        if self.size == 0 {
            return Err("the file is empty".to_owned());
        }
        if let Some(size) = post.size
            && size != self.size
        {
            return Err(format!(
                "the file has {} bytes instead of {size}",
                self.size
            ));
        }
        let md5 = hex::encode(self.md5.finalize());
        match &post.md5 {
            Some(wanted) if *wanted != md5 => {
                Err("the file's md5 is not that of the post".to_owned())
            }
            // Without a description, a page for people would pass as a picture.
            None if self.first == Some(b'<') => {
                Err("the site sent a page instead of the file".to_owned())
            }
            _ => Ok(md5),
        }
    }
}

/// Reads a file piece by piece.
pub fn of_file(path: &Path) -> io::Result<Content> {
    let mut file = File::open(path)?;
    let mut content = Content::default();
    let mut buffer = vec![0; BUFFER];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(content),
            read => content.add(&buffer[..read]),
        }
    }
}
