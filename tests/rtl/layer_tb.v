// One layer's forward product on one `mac`: reads +x and +w, writes +y (hex, logical order).
//
// A convolution, or a linear layer with H = W = KH = KW = OH = OW = 1. The products of an output
// come in the order kernel row, kernel column, channel; a tap on padding is a product with 0.

module layer_tb;
    parameter N = 1, C = 1, H = 1, W = 1, O = 1, KH = 1, KW = 1, OH = 1, OW = 1;
    parameter STRIDE_H = 1, STRIDE_W = 1, TOP = 0, LEFT = 0;
    parameter X_BITS = 8, W_BITS = 2, Y_BITS = 32, ACC_BITS = 32, OVERFLOW = 0;

    reg signed [X_BITS-1:0] x [0:N*C*H*W-1];
    reg signed [W_BITS-1:0] w [0:O*C*KH*KW-1];
    reg signed [Y_BITS-1:0] y [0:N*O*OH*OW-1];
    reg [8*1024-1:0] name;

    reg clk = 0, first = 0;
    reg signed [X_BITS-1:0] a;
    reg signed [W_BITS-1:0] b;
    wire signed [ACC_BITS-1:0] acc;
    integer n, o, oh, ow, kh, kw, c, h, v;

    mac #(.A_BITS(X_BITS), .B_BITS(W_BITS), .ACC_BITS(ACC_BITS), .OVERFLOW(OVERFLOW))
        unit (.clk(clk), .enable(1'b1), .first(first), .a(a), .b(b), .acc(acc));

    task multiply;
        begin
            h = oh * STRIDE_H - TOP + kh;
            v = ow * STRIDE_W - LEFT + kw;
            a = 0;
            if (h >= 0 && h < H && v >= 0 && v < W)
                a = x[((n * C + c) * H + h) * W + v];
            b = w[((o * C + c) * KH + kh) * KW + kw];
            first = kh == 0 && kw == 0 && c == 0;
            #1 clk = 1;
            #1 clk = 0;
        end
    endtask

    initial begin
        if ($value$plusargs("x=%s", name)) $readmemh(name, x);
        if ($value$plusargs("w=%s", name)) $readmemh(name, w);
        for (n = 0; n < N; n = n + 1)
            for (o = 0; o < O; o = o + 1)
                for (oh = 0; oh < OH; oh = oh + 1)
                    for (ow = 0; ow < OW; ow = ow + 1) begin
                        for (kh = 0; kh < KH; kh = kh + 1)
                            for (kw = 0; kw < KW; kw = kw + 1)
                                for (c = 0; c < C; c = c + 1)
                                    multiply;
                        y[((n * O + o) * OH + oh) * OW + ow] = acc;
                    end
        if ($value$plusargs("y=%s", name)) $writememh(name, y);
        $finish;
    end
endmodule
