//! Signatures, deliveries, the webhook over the API.

use super::*;

#[tokio::test]
async fn a_signature_is_over_the_raw_bytes() {
    let secret = crate::config::Secret::new("8c570fa6dd201bb328f1c1eac23a96d8");
    let w = world_with(Settings { channel_secret: secret, ..Settings::default() }).await;
    let body = br#"{"destination":"U8e742f61d673b39c7fff3cecb7536ef0","events":[]}"#;
    assert_eq!(w.platform.signature(body), "GhRKmvmHys4Pi8DxkF4+EayaH0OqtJtaZxgTD9fMDLs=");

    let (url, seen) = webhook(0).await;
    w.platform.set_webhook(&url);
    for number in 0..20 {
        let event = w.says(&format!("漏水了 🤨 {number}"));
        assert_eq!(w.platform.deliver(&[event]).await.status, 200);
    }
    let seen = seen.lock().await;
    for (signature, body) in seen.iter() {
        assert_eq!(signature.as_deref(), Some(w.platform.signature(body).as_str()));
        let json: Value = serde_json::from_slice(body).unwrap();
        assert!(json["events"][0]["message"]["text"].as_str().unwrap().starts_with("漏水了 🤨"));
    }
    let escaped = seen.iter().filter(|(_, body)| body.is_ascii()).count();
    assert!((1..20).contains(&escaped), "{escaped} of 20 were escaped");
}

#[tokio::test]
async fn a_redelivery_differs_in_its_flag_alone() {
    let w = world_with(Settings { redeliver: true, ..Settings::default() }).await;
    let (url, seen) = webhook(2).await;
    w.platform.set_webhook(&url);
    let event = w.says("有人在嗎？");
    assert_eq!(w.platform.deliver(std::slice::from_ref(&event)).await.status, 500);
    while w.platform.redeliveries_under_way() > 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(w.platform.is_acknowledged(&event));
    let bodies: Vec<Value> = seen.lock().await.iter().map(|(_, b)| serde_json::from_slice(b).unwrap()).collect();
    assert_eq!(bodies.len(), 3);
    for again in &bodies[1..] {
        let mut first = bodies[0].clone();
        assert_eq!(first["events"][0]["deliveryContext"], json!({"isRedelivery": false}));
        first["events"][0]["deliveryContext"]["isRedelivery"] = json!(true);
        assert_eq!(*again, first);
    }
}

/// Reference, "Set webhook endpoint URL", "Test webhook endpoint".
#[tokio::test]
async fn the_webhook_can_be_set_read_and_tested_over_the_api() {
    let w = world().await;
    let (url, seen) = webhook(0).await;
    w.platform.set_webhook(&url);
    assert_eq!(w.get("/v2/bot/channel/webhook/endpoint").await.json, json!({"endpoint": url, "active": true}));
    let token = w.platform.settings().access_token.expose();
    let test = w.http.post(format!("{}/v2/bot/channel/webhook/test", w.url)).bearer_auth(token).send().await.unwrap();
    let test: Value = test.json().await.unwrap();
    assert_eq!((&test["success"], &test["statusCode"]), (&json!(true), &json!(200)));
    let body: Value = serde_json::from_slice(&seen.lock().await[0].1).unwrap();
    assert_eq!(body["events"], json!([]));
    let put = |url: &str| {
        let request = w.http.put(format!("{}/v2/bot/channel/webhook/endpoint", w.url)).bearer_auth(token);
        request.json(&json!({"endpoint": url})).send()
    };
    assert_eq!(put("http://example.com/").await.unwrap().status(), 400);
    assert_eq!(put("https://support.example.com/webhooks/line/main").await.unwrap().status(), 200);
}

/// Docs, "Receive messages": the same event can come twice without being marked as a redelivery.
#[tokio::test]
async fn an_event_can_come_twice_unmarked() {
    let w = world().await;
    let (url, seen) = webhook(0).await;
    w.platform.set_webhook(&url);
    let event = w.says("一");
    w.platform.deliver_as(std::slice::from_ref(&event), How { copies: 2, redelivery: false }).await;
    let bodies: Vec<Value> = seen.lock().await.iter().map(|(_, b)| serde_json::from_slice(b).unwrap()).collect();
    assert_eq!((bodies.len(), &bodies[0]), (2, &bodies[1]));
}

/// Reference, "Get webhook endpoint information", "Test webhook endpoint": nothing set, switched off, and every way in which a test fails.
#[tokio::test]
async fn the_webhooks_settings_are_told_as_documented() {
    let w = world().await;
    let token = w.platform.settings().access_token.expose();
    let test = async |body: Value| {
        let url = format!("{}/v2/bot/channel/webhook/test", w.url);
        let answer = w.http.post(url).bearer_auth(token).json(&body).send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    let missing = w.get("/v2/bot/channel/webhook/endpoint").await;
    assert_eq!((missing.status, missing.json), (404, json!({"message": "Webhook endpoint not found"})));
    assert_eq!(test(json!({})).await, (404, json!({"message": "Webhook endpoint not found"})));
    assert_eq!(test(json!({"endpoint": "no address"})).await, (400, json!({"message": "Invalid webhook endpoint URL"})));
    let (url, seen) = webhook(1).await;
    let refused = test(json!({"endpoint": url})).await.1;
    assert_eq!(
        (&refused["success"], &refused["statusCode"], &refused["reason"], &refused["detail"]),
        (&json!(false), &json!(500), &json!("ERROR_STATUS_CODE"), &json!("500"))
    );
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let away = test(json!({"endpoint": format!("http://{closed}/")})).await.1;
    assert_eq!((&away["success"], &away["statusCode"], &away["reason"]), (&json!(false), &json!(0), &json!("COULD_NOT_CONNECT")));
    w.platform.set_webhook(&url);
    assert_eq!(test(json!({})).await.1["reason"], "OK");
    w.platform.use_webhook(false);
    assert_eq!(w.get("/v2/bot/channel/webhook/endpoint").await.json["active"], false);
    assert_eq!(w.platform.deliver(&[w.says("一")]).await.error.as_deref(), Some("\"Use webhook\" is off"));
    w.platform.use_webhook(true);
    assert_eq!(w.platform.deliver(&[w.says("二")]).await.status, 200);
    assert_eq!(seen.lock().await.len(), 3);
}
