//! A server's collection, as it is exported and imported, and long work of a server.

use std::time::Duration;

use async_trait::async_trait;
use clippy_core::ids::PointId;
use clippy_core::{Error, ErrorCode, Result};
use clippy_transfer::{
    Begun, Description, PointPage, Records, Rules, Sink, Source, Stored, StoredRecords,
    decode_page, encode_page,
};
use reqwest::header::CONTENT_TYPE;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Client, UNLIMITED, with_key};
use crate::failure::Failure;

/// The most bytes of a long answer: an empty line each second, and the result.
const LONGEST_ANSWER: usize = 1 << 20;
/// A server that is silent for this long is not working any more: it sends a line each second.
const SILENCE: Duration = Duration::from_secs(60);

impl Client {
    /// Starts long work with the admin key, waits for its end, and returns its result.
    pub async fn post_until_done(&self, path: &str) -> Result<Value, Failure> {
        let request = self.http.post(self.at(path)).timeout(UNLIMITED);
        let response = self
            .send(with_key(request, self.admin_key.as_ref()))
            .await?;
        if !response.status().is_success() {
            return self.read(response).await;
        }
        let incomplete = || {
            Failure::run(format!(
                "{} stopped before the work was done: look at its log, and try again",
                self.base
            ))
        };
        let (mut text, mut response) = (Vec::new(), response);
        loop {
            let part = tokio::time::timeout(SILENCE, response.chunk()).await;
            match part.map_err(|_| incomplete())? {
                Ok(Some(part)) => text.extend_from_slice(&part),
                Ok(None) => break,
                Err(_) => return Err(incomplete()),
            }
            if text.len() > LONGEST_ANSWER {
                return Err(incomplete());
            }
        }
        let line: Value = serde_json::from_slice(&text).map_err(|_| incomplete())?;
        match (line.get("done"), line.get("failed")) {
            (Some(done), _) => Ok(done.clone()),
            (_, Some(why)) => Err(Failure::run(why.as_str().unwrap_or("no reason is given"))),
            _ => Err(incomplete()),
        }
    }

    /// Sends a `GET` request with the admin key, and returns the bytes of the answer.
    async fn get_bytes(&self, path: &str, query: &[(&str, String)]) -> Result<Vec<u8>, Failure> {
        let request = self.http.get(self.at(path)).query(query);
        let response = self
            .send(with_key(request, self.admin_key.as_ref()))
            .await?;
        if !response.status().is_success() {
            let refused = self.read(response).await.err();
            return Err(refused.unwrap_or_else(|| Failure::run("the page was refused")));
        }
        let bytes = response.bytes().await;
        let bytes =
            bytes.map_err(|error| Failure::run(format!("the answer is incomplete: {error}")))?;
        Ok(bytes.to_vec())
    }

    /// Sends bytes in a `POST` request with the admin key, and returns the answer.
    async fn post_bytes(
        &self,
        path: &str,
        query: &impl Serialize,
        body: Vec<u8>,
    ) -> Result<Value, Failure> {
        let request = self.http.post(self.at(path)).query(query);
        let request = request.header(CONTENT_TYPE, "application/octet-stream");
        self.admin_answer(request.body(body)).await
    }
}

/// The collection of a server.
pub struct ServerCollection<'a>(pub &'a Client);

fn failed(failure: &Failure) -> Error {
    Error::new(ErrorCode::Unavailable, failure.to_string())
}

fn understood<T: DeserializeOwned>(answer: Value) -> Result<T> {
    serde_json::from_value(answer).map_err(|error| {
        let message = format!("the server's answer cannot be understood: {error}");
        Error::new(ErrorCode::Unavailable, message)
    })
}

fn written(body: &impl Serialize) -> Result<Value> {
    serde_json::to_value(body)
        .map_err(|error| Error::internal("a page cannot be written as JSON").with_source(error))
}

#[async_trait]
impl Source for ServerCollection<'_> {
    async fn describe(&self) -> Result<Description> {
        understood(
            self.0
                .get("/api/admin/export", &[])
                .await
                .map_err(|failure| failed(&failure))?,
        )
    }

    async fn points(&self, from: Option<PointId>) -> Result<PointPage> {
        let query: Vec<(&str, String)> = from.iter().map(|id| ("from", id.to_string())).collect();
        let bytes = self.0.get_bytes("/api/admin/export/points", &query).await;
        decode_page(&bytes.map_err(|failure| failed(&failure))?)
    }

    async fn records(&self, after: Option<&str>) -> Result<Records> {
        let query: Vec<(&str, String)> = after
            .iter()
            .map(|after| ("after", (*after).to_owned()))
            .collect();
        let answer = self.0.get("/api/admin/export/records", &query).await;
        understood(answer.map_err(|failure| failed(&failure))?)
    }
}

#[async_trait]
impl Sink for ServerCollection<'_> {
    async fn begin(&self, description: &Description) -> Result<Begun> {
        let body = written(description)?;
        let answer = self.0.post("/api/admin/import", &body).await;
        understood(answer.map_err(|failure| failed(&failure))?)
    }

    async fn points(&self, page: PointPage, rules: Rules) -> Result<Stored> {
        let body = encode_page(&page)?;
        let answer = self
            .0
            .post_bytes("/api/admin/import/points", &rules, body)
            .await;
        understood(answer.map_err(|failure| failed(&failure))?)
    }

    async fn records(&self, records: Records) -> Result<StoredRecords> {
        let body = written(&records)?;
        let answer = self.0.post("/api/admin/import/records", &body).await;
        understood(answer.map_err(|failure| failed(&failure))?)
    }

    async fn finish(&self) -> Result<()> {
        let done = self.0.post_until_done("/api/admin/import/finish").await;
        done.map(drop).map_err(|failure| failed(&failure))
    }
}
