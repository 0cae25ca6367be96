poniard_sdk::main!(lambda_publish::LambdaPublish);
