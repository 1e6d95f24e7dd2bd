use super::*;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Answers with what is wrong with the name, and warns of the host.
async fn answer_all(mut questions: mpsc::Receiver<Question>) {
    while let Some(Question { candidate, answer }) = questions.recv().await {
        let refusals = if candidate.meta.name.name() == "bad" { vec!["one".to_owned(), "two".to_owned()] } else { Vec::new() };
        let warnings = candidate.rules.iter().flatten().map(|rule| rule.host.to_string()).collect();
        answer.send(Verdict { refusals, warnings }).expect("somebody waits");
    }
}

/// Asks over a real socket; status and body.
async fn ask(known: bool, method: &str, body: &[u8]) -> (u16, String) {
    let (questions, asked) = mpsc::channel(1);
    let (_sender, known) = watch::channel(known);
    tokio::spawn(answer_all(asked));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let places = Arc::new(Semaphore::new(AT_A_TIME));
    tokio::spawn(axum::serve(listener, router(Ends { questions, known, places })).into_future());
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!("{method} /any/path HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).await.unwrap();
    // The answer may come before all is sent.
    let _ = stream.write_all(body).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let text = String::from_utf8(answer).unwrap();
    (text.split(' ').nth(1).unwrap().parse().unwrap(), text.split_once("\r\n\r\n").unwrap().1.to_owned())
}

fn review(object: &Value) -> Value {
    json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {"uid": "u-1", "operation": "CREATE",
        "kind": {"group": "networking.k8s.io", "version": "v1", "kind": "Ingress"}, "object": object}})
}

fn ingress(name: &str) -> Value {
    json!({"metadata": {"name": name, "namespace": "shop"}, "spec": {"rules": [{"host": "a.test"}]}})
}

async fn reviewed(object: &Value) -> Value {
    let (status, body) = ask(true, "POST", review(object).to_string().as_bytes()).await;
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).unwrap()
}

#[tokio::test]
async fn an_ingress_is_taken_or_refused_with_reasons() {
    let answer = reviewed(&ingress("good")).await;
    let response = json!({"uid": "u-1", "allowed": true, "warnings": ["a.test"]});
    assert_eq!(answer, json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}));
    let response = &reviewed(&ingress("bad")).await["response"];
    let status = json!({"status": "Failure", "reason": "BadRequest", "code": 400, "message": "one\ntwo"});
    assert_eq!((&response["allowed"], &response["status"]), (&json!(false), &status));
}

#[tokio::test]
async fn an_ingress_that_cannot_be_read_is_refused() {
    let mut odd = ingress("good");
    odd["spec"]["rules"] = json!("none");
    let response = &reviewed(&odd).await["response"];
    let message = response["status"]["message"].as_str().unwrap();
    assert!(response["allowed"] == json!(false) && message.starts_with("spec.rules: "), "{message}");
}

#[tokio::test]
async fn what_goes_is_not_judged() {
    let mut going = ingress("bad");
    going["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    for object in [going, Value::Null] {
        assert_eq!(reviewed(&object).await["response"], json!({"uid": "u-1", "allowed": true}));
    }
}

#[tokio::test]
async fn adm_8_what_is_no_question_is_told_by_its_status() {
    assert_eq!(ask(true, "POST", &vec![b'x'; MAX_BODY_BYTES + 1]).await.0, 413);
    assert_eq!(ask(true, "POST", b"garbage").await.0, 400);
    assert_eq!(ask(true, "POST", b"{}").await.0, 400);
    let mut other = review(&ingress("good"));
    other["request"]["kind"]["kind"] = json!("Pod");
    assert_eq!(ask(true, "POST", other.to_string().as_bytes()).await.0, 500);
    assert_eq!(ask(true, "PUT", b"").await.0, 405);
}

#[tokio::test]
async fn nothing_is_answered_before_the_cluster_is_known() {
    assert_eq!(ask(false, "GET", b"").await.0, 503);
    assert_eq!(ask(false, "POST", review(&ingress("good")).to_string().as_bytes()).await.0, 503);
    assert_eq!(ask(true, "GET", b"").await, (200, "ok".to_owned()));
}
