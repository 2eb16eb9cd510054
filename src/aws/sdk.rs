//! Configures the AWS SDK for all clients of this process: settings from the environment, with explicit limits.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, SdkConfig};

use crate::aws::client::PooledClient;
use crate::http::{Http, HttpError};

/// Timeout until the response begins. For bodies, stalled-stream protection applies instead.
const READ_TIMEOUT: Duration = Duration::from_secs(10);
/// Timeout of one attempt, including connecting and sending.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(15);
/// Attempts per request. At worst they take less than a minute in total, including the waits.
const ATTEMPTS: u32 = 3;
/// A body is given up after this long without new bytes.
const STALL_TIMEOUT: Duration = Duration::from_secs(10);

/// Reads credentials, region and `AWS_ENDPOINT_URL` from the environment, and applies our limits and `http`.
///
/// # Errors
/// If TLS cannot be set up.
pub async fn sdk_config(http: &Http) -> Result<SdkConfig, HttpError> {
    Ok(sdk_defaults(http)?.load().await)
}

/// Applies our limits and `http`; the caller configures the rest.
///
/// # Errors
/// If TLS cannot be set up.
pub fn sdk_defaults(http: &Http) -> Result<ConfigLoader, HttpError> {
    Ok(aws_config::defaults(BehaviorVersion::latest())
        .http_client(PooledClient(http.client()?.clone()))
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .timeout_config(
            TimeoutConfig::builder()
                .read_timeout(READ_TIMEOUT)
                .operation_attempt_timeout(ATTEMPT_TIMEOUT)
                .build(),
        )
        .stalled_stream_protection(
            StalledStreamProtectionConfig::enabled()
                .grace_period(STALL_TIMEOUT)
                .build(),
        ))
}
