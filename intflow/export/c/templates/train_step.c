static int check_labels(const int32_t *labels, size_t n)
{
    size_t i;
    for (i = 0; i < n; i++)
        if (labels[i] < 0 || labels[i] >= INTFLOW_CLASSES)
            return INTFLOW_BAD_LABEL;
    return INTFLOW_OK;
}

int intflow_train_step(const uint8_t *images, const int32_t *labels, int32_t count,
                       intflow_rate rate, intflow_result *result)
{
    size_t n = (size_t)count;
    int status;
    if (count < 1 || count > INTFLOW_BATCH)
        return INTFLOW_BAD_COUNT;
    if (check_labels(labels, n) != INTFLOW_OK)
        return INTFLOW_BAD_LABEL;
    if (intflow_check_rate(rate, @MOST@) != INTFLOW_OK)
        return INTFLOW_BAD_RATE;
    result->images = count;
    result->wrong = 0;
    result->loss_high = result->loss_low = 0;
    forward(images, n);
    status = backward(labels, n, rate, result);
    if (status == INTFLOW_OK)
        intflow_step++;
    return status;
}
